"""What the serving side reads: graphs in Hugging Face's layout, MLflow's description, golden examples, traffic."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import DataType
from tokenizers import Tokenizer

import graph
from corpus import Sentence
from evaluation import LONGEST_ANSWER, Translator
from subwords import EOS, MAX_TOKENS, PAD

FLAVOR = "huggingface_onnx"
GOLDEN_TEXTS = (
    "hello",
    "hello world",
    "Hello, how are you?",
    "My name is Priya.",
    "Thank you very much!",
    "She bought five books.",
    "My mother is not drinking tea.",
    "Did he read a newspaper?",
    "  I   need water ",
    "This shirt costs 250 rupees.",
)
TRAFFIC_LINES = 500


def write_graphs(directory: Path, shape: dict, weights: dict[str, np.ndarray], tokenizer: Tokenizer) -> None:
    """What `@huggingface/transformers` and optimum load, into an empty directory."""
    (directory / "onnx").mkdir()
    onnx.save(graph.encoder(shape, weights), str(directory / "onnx" / "encoder_model.onnx"))
    onnx.save(graph.decoder(shape, weights), str(directory / "onnx" / "decoder_model_merged.onnx"))
    tokenizer.save(str(directory / "tokenizer.json"))
    write_json(directory / "config.json", shape)
    write_json(
        directory / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": MAX_TOKENS,
            "pad_token": PAD,
            "eos_token": EOS,
            "clean_up_tokenization_spaces": False,
        },
    )
    write_json(
        directory / "generation_config.json",
        {
            "decoder_start_token_id": shape["decoder_start_token_id"],
            "pad_token_id": shape["pad_token_id"],
            "eos_token_id": shape["eos_token_id"],
            "max_length": LONGEST_ANSWER + 1,
            "num_beams": 1,
            "do_sample": False,
        },
    )


def write_all(
    output: Path, translator: Translator, held_out: list[Sentence], answers: list[str], metadata: dict
) -> None:
    """`answers` are the translator's own of the held-out sentences, for comparing a server's word by word."""
    directory = output / "model"
    write_mlmodel(directory, metadata)
    write_json(
        directory / "golden.json",
        [{"input": {"text": text}, "output": {"prediction": translator.greedy(text)}} for text in GOLDEN_TEXTS],
    )
    rows = list(zip(held_out, answers, strict=True))
    write_lines(
        output / "data" / "held-out.jsonl",
        [{"text": s.text, "reference": s.reference, "greedy": answer} for s, answer in rows],
    )
    step = max(1, len(rows) // TRAFFIC_LINES)
    write_lines(
        output / "traffic.jsonl",
        [{"features": {"text": s.text}, "actual": s.reference} for s, _ in rows[::step][:TRAFFIC_LINES]],
    )


def write_mlmodel(directory: Path, metadata: dict) -> None:
    example = {"columns": ["text"], "data": [[text] for text in GOLDEN_TEXTS[:3]]}
    write_json(directory / "input_example.json", example)
    write_json(directory / "serving_input_example.json", {"dataframe_split": example})
    model = Model(
        metadata=metadata, model_size_bytes=sum(f.stat().st_size for f in directory.rglob("*") if f.is_file())
    )
    model.add_flavor(FLAVOR, data=".", task="translation")
    model.signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text")]), outputs=Schema([ColSpec(DataType.string, "prediction")])
    )
    model.saved_input_example_info = {
        "artifact_path": "input_example.json",
        "pandas_orient": "split",
        "serving_input_path": "serving_input_example.json",
        "type": "dataframe",
    }
    model.save(str(directory / "MLmodel"))


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_lines(path: Path, lines: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
