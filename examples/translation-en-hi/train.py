"""Trains the English to Hindi translator and writes the model, its held-out sentences and a stretch of traffic."""

from __future__ import annotations

import argparse
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tokenizers import Tokenizer

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
    parser.add_argument("--epochs", type=int, default=20)
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
    tokenizer, shape = prepare(splits["train"], options)
    model, parameters, seconds = fit(splits["train"], tokenizer, shape, options)
    weights = {name: np.asarray(value) for name, value in parameters.items()}
    directory = options.output / "model"
    with TemporaryDirectory() as unproven:
        export.write_graphs(Path(unproven), shape, weights, tokenizer)
        parity = check_parity(Translator(Path(unproven)), model, parameters, splits["validation"])
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(unproven, directory)
    translator = Translator(directory)
    answers = [translator.greedy(sentence.text) for sentence in splits["held_out"]]
    metadata = describe(translator, splits, answers, options)
    metadata |= {"parity": asdict(parity), "parameters": sum(value.size for value in weights.values())}
    metadata["training"] |= {"seconds": seconds}
    export.write_all(options.output, translator, splits["held_out"], answers, metadata)
    print(f"written to {options.output}")
    return metadata


def prepare(sentences: list[Sentence], options: argparse.Namespace) -> tuple[Tokenizer, dict]:
    """The tokenizer of these sentences, and the configuration of a model that speaks it."""
    texts = [text for sentence in sentences for text in (sentence.text, sentence.reference)]
    tokenizer = train_tokenizer(texts, options.vocabulary)
    shape = config(
        vocabulary=tokenizer.get_vocab_size(),
        pad=tokenizer.token_to_id(PAD),
        eos=tokenizer.token_to_id(EOS),
        width=options.width,
        layers=options.layers,
        hidden=options.hidden,
        heads=options.heads,
        positions=MAX_TOKENS,
    )
    return tokenizer, shape


def fit(
    sentences: list[Sentence], tokenizer: Tokenizer, shape: dict, options: argparse.Namespace
) -> tuple[Marian, Parameters, int]:
    """The network, what it learnt and the seconds that took."""
    model, parameters = Marian(shape), initialise(shape, options.seed)
    print(f"training {sum(value.size for value in parameters.values()):,} parameters")
    began = time.monotonic()
    batches = Batches(sentences, tokenizer, shape["pad_token_id"], options.batch)
    schedule = Schedule(options.epochs, options.batch, options.learning_rate, options.seed)
    return model, train(model, parameters, batches, schedule), round(time.monotonic() - began)


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
        raise SystemExit("the ONNX graphs disagree with the trained model; nothing was saved")
    return parity


def describe(
    translator: Translator, splits: dict[str, list[Sentence]], answers: list[str], options: argparse.Namespace
) -> dict:
    """Name, scores on sentences that were not seen beside a translation memory, and what the corpus is."""
    held_out = splits["held_out"]
    references = [sentence.reference for sentence in held_out]
    greedy = scores(answers, references)
    beam = scores([translator.beam(sentence.text) for sentence in held_out], references)
    memory = scores([translation_memory(splits["train"], sentence.text) for sentence in held_out], references)
    seen = splits["validation"]
    validation = scores([translator.greedy(s.text) for s in seen], [s.reference for s in seen])
    others = export.read_lines(HERE / "data" / "other-sentences.jsonl")
    elsewhere = scores([translator.greedy(line["text"]) for line in others], [line["reference"] for line in others])
    print(
        f"held out, greedy: {greedy}\n  beam of 4: {beam}\n  translation memory: {memory}\nother sentences: {elsewhere}"
    )
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
