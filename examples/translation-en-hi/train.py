"""Trains the English to Hindi translator and writes the model, its held-out sentences and a stretch of traffic."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

import corpus
import export
from baseline import translation_memory
from corpus import Sentence
from evaluation import Parity, Translator, compare, scores
from learning import Batches, Schedule, train
from model import Marian, Parameters, config, initialise
from subwords import EOS, MAX_TOKENS, PAD, VOCABULARY, train_tokenizer

HERE = Path(__file__).resolve().parent
NAME = "translation-en-hi"
VERSION = "1.0.0"
PARITY_SENTENCES = 256


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python train.py --share 0.2 --epochs 5 --output trial",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--output", type=Path, default=HERE, help="directory that receives all written files")
    parser.add_argument("--share", type=float, default=1.0, help="share of the corpus to take")
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--batch", type=int, default=128, help="sentences in a step")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="at the top of the schedule")
    parser.add_argument("--width", type=int, default=128, help="of embeddings and layers")
    parser.add_argument("--layers", type=int, default=2, help="of the encoder and of the decoder each")
    parser.add_argument("--hidden", type=int, default=256, help="width within a feed-forward layer")
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--vocabulary", type=int, default=VOCABULARY)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> dict:
    """Runs the whole training; answers the metadata that was written with the model."""
    options = parse_arguments(arguments)
    splits = corpus.load(options.share)
    print(", ".join(f"{name}: {len(sentences):,} sentences" for name, sentences in splits.items()))
    texts = [text for sentence in splits["train"] for text in (sentence.text, sentence.reference)]
    tokenizer = train_tokenizer(texts, options.vocabulary)
    pad, eos = tokenizer.token_to_id(PAD), tokenizer.token_to_id(EOS)
    shape = config(
        vocabulary=tokenizer.get_vocab_size(),
        pad=pad,
        eos=eos,
        width=options.width,
        layers=options.layers,
        hidden=options.hidden,
        heads=options.heads,
        positions=MAX_TOKENS,
    )
    model, parameters = Marian(shape), initialise(shape, options.seed)
    print(f"training {sum(value.size for value in parameters.values()):,} parameters")
    began = time.monotonic()
    schedule = Schedule(options.epochs, options.batch, options.learning_rate, options.seed)
    parameters = train(model, parameters, Batches(splits["train"], tokenizer, pad, options.batch), schedule)
    seconds = round(time.monotonic() - began)

    directory = options.output / "model"
    weights = {name: np.asarray(value) for name, value in parameters.items()}
    export.write_graphs(directory, shape, weights, tokenizer)
    translator = Translator(directory)
    parity = check_parity(translator, model, parameters, splits["validation"])
    answers = {name: [translator.greedy(sentence.text) for sentence in splits[name]] for name in ("validation", "held_out")}
    metadata = describe(translator, splits, answers, options)
    metadata |= {"parity": asdict(parity), "parameters": sum(value.size for value in weights.values())}
    metadata["training"] |= {"seconds": seconds}
    export.write_all(options.output, translator, splits["held_out"], answers["held_out"], metadata)
    print(f"written to {options.output}")
    return metadata


def check_parity(translator: Translator, model: Marian, parameters: Parameters, sentences: list[Sentence]) -> Parity:
    """Refuses to go on when the graphs and the trainer disagree on sentences they have not seen."""
    pad = model.shape["pad_token_id"]
    some = sentences[:PARITY_SENTENCES]
    batches = Batches(some, translator.tokenizer, pad, len(some))
    rows = list(range(len(some)))
    source, target = batches.padded(batches.sources, rows), batches.padded(batches.targets, rows)
    before = np.concatenate([np.full_like(target[:, :1], pad), target[:, :-1]], axis=1)
    ours, trainers = translator.logits(source, before), np.asarray(model.logits(parameters, source, before))
    parity = compare(ours, trainers, target, pad)
    print(f"parity: {parity}")
    if not parity.holds:
        raise SystemExit("the ONNX graphs disagree with the trained model; do not use what was written")
    return parity


def describe(
    translator: Translator, splits: dict[str, list[Sentence]], answers: dict[str, list[str]], options: argparse.Namespace
) -> dict:
    """Name, scores on sentences that were not seen beside a translation memory, and what the corpus is."""
    held_out = splits["held_out"]
    references = [sentence.reference for sentence in held_out]
    greedy = scores(answers["held_out"], references)
    beam = scores([translator.beam(sentence.text) for sentence in held_out], references)
    memory = scores([translation_memory(splits["train"], sentence.text) for sentence in held_out], references)
    validation = scores(answers["validation"], [sentence.reference for sentence in splits["validation"]])
    others = export.read_lines(HERE / "data" / "other-sentences.jsonl")
    elsewhere = scores([translator.greedy(line["text"]) for line in others], [line["reference"] for line in others])
    print(f"held out, greedy: {greedy}\n  beam of 4: {beam}\n  translation memory: {memory}\nother sentences: {elsewhere}")
    return {
        "name": NAME,
        "version": VERSION,
        "task": "translation",
        "source_language": "en",
        "target_language": "hi",
        **greedy,
        "held_out_sentences": len(held_out),
        "beam_4": beam,
        "validation": validation,
        "baseline": {"strategy": "the answer of the training sentence with the most words in common", **memory},
        "other_sentences": {"sentences": len(others), **elsewhere},
        "corpus": {
            "source": "written by corpus.py: patterns filled with words",
            "sentences": {name: len(sentences) for name, sentences in splits.items()},
            "split": "by pattern and words; every fixed phrase is in training",
            "normalization": "NFC; English is lowercased",
        },
        "training": {
            key: getattr(options, key)
            for key in ("epochs", "batch", "learning_rate", "width", "layers", "hidden", "heads", "vocabulary", "seed")
        },
    }


if __name__ == "__main__":
    main()
