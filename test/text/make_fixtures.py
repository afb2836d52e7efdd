"""Writes test/text/fixtures: tiny encoder-decoders with random weights in the Hugging Face ONNX layout, and what Python's
`generate` answers on the same weights.

Made with Debian's python3-torch 1.13.1 and, beside it: transformers==4.44.2 optimum==1.22.0 onnx==1.16.2 onnxruntime
numpy==1.26.4. Run: python3 test/text/make_fixtures.py
"""

import json
import shutil
import tempfile
from pathlib import Path

import onnx
import torch
from optimum.exporters.onnx import main_export, model_configs
from packaging.version import parse
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    GenerationConfig,
    MarianConfig,
    MarianMTModel,
    NllbTokenizerFast,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

FIXTURES = Path(__file__).parent / "fixtures"
LANGUAGES = ["eng_Latn", "hin_Deva"]
CORPUS = [
    "hello world", "good morning", "how are you", "where is the station", "the train is late today",
    "नमस्ते दुनिया", "सुप्रभात", "आप कैसे हैं", "स्टेशन कहाँ है", "आज ट्रेन देर से है",
]  # fmt: skip
SENTENCES = [
    "hello world",
    "how are you",
    "where is the station today, and why is the train so late",
    "नमस्ते दुनिया",
    "a",
    "",
]
"""What each model is asked, by name: settings of `generate` over its generation_config.json."""
SEARCHES = {
    "greedy": {},
    "greedy, at least 16": {"min_length": 16},
    "greedy, 3 new tokens": {"max_new_tokens": 3},
    "greedy, repetition penalty": {"repetition_penalty": 1.7},
    "greedy, no repeated pairs": {"no_repeat_ngram_size": 2},
    "beam 2": {"num_beams": 2},
    "beam 4": {"num_beams": 4},
    "beam 4, early stopping": {"num_beams": 4, "early_stopping": True},
    "beam 4, never stopping early": {"num_beams": 4, "early_stopping": "never"},
    "beam 4, never stopping early, long answers": {"num_beams": 4, "early_stopping": "never", "length_penalty": 1.8},
    "beam 4, long answers": {"num_beams": 4, "length_penalty": 2.5},
    "beam 4, short answers": {"num_beams": 4, "length_penalty": -1.0},
    "beam 6, short answers": {"num_beams": 6, "length_penalty": -2.0},
    "beam 5, long answers, early stopping": {"num_beams": 5, "length_penalty": 3.0, "early_stopping": True},
    "beam 3, forced start and end": {"num_beams": 3, "forced_bos_token_id": 7, "forced_eos_token_id": 1, "max_length": 9},
    "beam 3, bad words": {"num_beams": 3, "bad_words_ids": [[0], [20], [7, 7], [27, 40, 37], [24, 24], [15]]},
    "beam 3, suppressed": {"num_beams": 3, "suppress_tokens": [12, 7], "begin_suppress_tokens": [1, 3]},
    "beam 3, two ends": {"num_beams": 3, "eos_token_id": [1, 30]},
    "beam 3, penalties": {"num_beams": 3, "repetition_penalty": 1.3, "no_repeat_ngram_size": 3, "min_new_tokens": 4},
}  # fmt: skip


def tokenizer(special: list[str]) -> PreTrainedTokenizerFast:
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" +", " ")])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    tokens = ["<pad>", "</s>", "<unk>", *special]
    made.train_from_iterator(
        CORPUS, trainers.UnigramTrainer(vocab_size=100, special_tokens=tokens, unk_token="<unk>", show_progress=False)
    )
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", made.token_to_id("</s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=special,
        model_max_length=64,
        clean_up_tokenization_spaces=False,
    )


def model(kind: str, tokens: PreTrainedTokenizerFast):
    torch.manual_seed(3)
    if kind == "t5":
        config, family = T5Config, T5ForConditionalGeneration
        sizes = {"d_kv": 8, "d_ff": 24, "num_layers": 1, "num_heads": 2, "feed_forward_proj": "gated-gelu"}
    else:
        config, family = MarianConfig, MarianMTModel
        sizes = {
            "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
            "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "max_position_embeddings": 64, "scale_embedding": True,
            "bos_token_id": 0, "forced_eos_token_id": None,
        }  # fmt: skip
    ends = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    made = family(config(vocab_size=len(tokens), d_model=16, dropout=0.0, dropout_rate=0.0, **sizes, **ends))
    learn_a_little(made, tokens)
    return made.eval()


def learn_a_little(made, tokens: PreTrainedTokenizerFast) -> None:
    """So that answers differ in length and in words, which those of random weights hardly do."""
    half = len(CORPUS) // 2
    source = tokens(CORPUS, return_tensors="pt", padding=True, return_token_type_ids=False)
    target = tokens(CORPUS[half:] + CORPUS[:half], return_tensors="pt", padding=True)["input_ids"]
    optimizer = torch.optim.Adam(made.parameters(), lr=0.01)
    for _ in range(60):
        loss = made(**source, labels=target.masked_fill(target == 0, -100)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def expected(made, tokens: PreTrainedTokenizerFast, searches: dict[str, dict]) -> list[dict]:
    cases = []
    for name, settings in searches.items():
        answers = []
        for sentence in SENTENCES:
            encoded = tokens(sentence, return_tensors="pt", return_token_type_ids=False)
            with torch.no_grad():
                out = made.generate(**encoded, **settings, return_dict_in_generate=True, output_scores=True)
            beams = getattr(out, "sequences_scores", None)
            answers.append(
                {
                    "input": encoded["input_ids"][0].tolist(),
                    "output": out.sequences[0].tolist()[1:],
                    "text": tokens.decode(out.sequences[0], skip_special_tokens=True),
                    **({} if beams is None else {"score": beams[0].item()}),
                }
            )
        cases.append({"name": name, "settings": settings, "answers": answers})
    return cases


def shrink(exported: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph without what the exporter says of where its nodes come from, and with short names inside."""
    short: dict[str, str] = {value.name: value.name for value in [*exported.graph.input, *exported.graph.output]}

    def rename(graph: onnx.GraphProto) -> None:
        del graph.value_info[:]
        for node in graph.node:
            node.name = node.doc_string = ""
            node.input[:] = [name and short.setdefault(name, f"v{len(short)}") for name in node.input]
            node.output[:] = [name and short.setdefault(name, f"v{len(short)}") for name in node.output]
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    rename(attribute.g)
        for value in [*graph.initializer, *graph.output]:
            value.name = short.setdefault(value.name, f"v{len(short)}")
            value.doc_string = ""

    rename(exported.graph)
    onnx.checker.check_model(exported)
    return exported


def write_languages() -> None:
    """A tokenizer of the NLLB kind, which frames a text with its language, and what it makes of the sentences."""
    folder = FIXTURES / "nllb"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer(LANGUAGES).save_pretrained(scratch)
        tokens = NllbTokenizerFast(
            tokenizer_file=f"{scratch}/tokenizer.json", src_lang="hin_Deva", tgt_lang="eng_Latn",
            additional_special_tokens=LANGUAGES, bos_token="<pad>",
        )  # fmt: skip
        tokens.save_pretrained(scratch)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(f"{scratch}/{name}", folder / name)
    lines = [{"text": sentence, "ids": tokens(sentence)["input_ids"]} for sentence in SENTENCES]
    (folder / "expected.json").write_text(json.dumps(lines, ensure_ascii=False) + "\n")


def write(kind: str, keep: list[str], searches: dict[str, dict]) -> None:
    folder = FIXTURES / kind
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "onnx").mkdir(parents=True)
    tokens = tokenizer([])
    made = model(kind, tokens)
    made.generation_config = GenerationConfig(
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, max_length=24, num_beams=1
    )
    with tempfile.TemporaryDirectory() as scratch:
        made.save_pretrained(f"{scratch}/torch")
        tokens.save_pretrained(f"{scratch}/torch")
        main_export(f"{scratch}/torch", f"{scratch}/onnx", task="text2text-generation-with-past", do_validation=False)
        for path in Path(scratch, "onnx").iterdir():
            if path.suffix == ".onnx" and path.stem in keep:
                (folder / "onnx" / path.name).write_bytes(shrink(onnx.load(path)).SerializeToString())
        for name in ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(f"{scratch}/torch/{name}", folder / name)
    lines = {"sentences": SENTENCES, "cases": expected(made, tokens, searches)}
    (folder / "expected.json").write_text(json.dumps(lines, ensure_ascii=False) + "\n")
    for case in lines["cases"]:
        print(kind, case["name"], [len(answer["output"]) for answer in case["answers"]])


if __name__ == "__main__":
    # Debian's torch exports these small ones all the same.
    for config in (model_configs.MarianOnnxConfig, model_configs.T5OnnxConfig):
        config.MIN_TORCH_VERSION = parse("1.13.0a0")
    every = ["encoder_model", "decoder_model", "decoder_with_past_model", "decoder_model_merged"]
    some = {name: SEARCHES[name] for name in ("greedy", "beam 4", "beam 4, long answers", "greedy, at least 16")}
    write("marian", every, SEARCHES)
    write("t5", ["encoder_model", "decoder_model_merged"], some)
    write_languages()
