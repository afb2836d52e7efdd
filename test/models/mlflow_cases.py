"""Model directories as mlflow.onnx.save_model writes them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow.onnx
import numpy as np
import onnx
from mlflow.models import infer_signature

import readers
import sklearn_cases
from case import Case, most_probable, versions
from graph_cases import mlp_logits, mlp_model, random_layers, softmax
from tables import CUSTOMER, frame, matrix, rounded

SEED = 7
DATA_FILE = "00000000-0000-1000-8000-000000000000.data"
FIXED_FIELDS = {
    "model_uuid": "00000000000000000000000000000000",
    "model_id": "m-00000000000000000000000000000000",
    "utc_time_created": "'2026-01-01 00:00:00.000000'",
}


def save(model: onnx.ModelProto, directory: Path, signature: Any, example: Any) -> None:
    """Save with mlflow into `directory`/model, then fix what changes on every save."""
    target = directory / "model"
    packages = [f"{package}=={version(package)}" for package in ("onnx", "onnxruntime")]
    mlflow.onnx.save_model(
        model, str(target), signature=signature, input_example=example, pip_requirements=packages
    )
    _fix_mlmodel(target / "MLmodel")
    _fix_data_file(target)


def _fix_mlmodel(mlmodel: Path) -> None:
    text = mlmodel.read_text(encoding="utf-8")
    for field, value in FIXED_FIELDS.items():
        text = re.sub(rf"^{field}: (?!null).*$", f"{field}: {value}", text, flags=re.MULTILINE)
    mlmodel.write_text(text, encoding="utf-8")


def _fix_data_file(target: Path) -> None:
    """Replace the data file's name, a UUID made from the time and the network card's address."""
    for data_file in target.glob("*.data"):
        data_file.rename(target / DATA_FILE)
        model = onnx.load(target / "model.onnx", load_external_data=False)
        locations = [
            entry
            for tensor in model.graph.initializer
            for entry in tensor.external_data
            if entry.key == "location"
        ]
        for location in locations:
            location.value = DATA_FILE
        onnx.save(model, target / "model.onnx")


def directory_case(name: str) -> Case:
    """A column signature and an input example."""
    plain = sklearn_cases.strings_nozipmap(name)
    onnx_model = sklearn_cases.convert(
        name, sklearn_cases.fit_churn(), sklearn_cases.column_inputs(CUSTOMER), zipmap=False
    )
    table = frame(plain.rows, CUSTOMER)
    labels = np.array([answer["prediction"] for answer in plain.expected])
    signature, example = infer_signature(table, labels), table.head(5)
    return replace(
        plain,
        library=f"{plain.library} / {versions('mlflow-skinny')}",
        notes=f"{plain.notes} Saved with a column signature and an input example.",
        save=lambda directory: save(onnx_model, directory, signature, example),
        model_file="model/model.onnx",
    )


def external_data_case(name: str) -> Case:
    """A tensor signature and weights in a file of their own."""
    layers = random_layers([16, 96, 80, 3])
    onnx_model = mlp_model(name, layers, "Softmax")
    rng = np.random.default_rng(SEED)
    rows = [*rounded(rng.standard_normal((20, 16)) * 2), [0] * 16, [100.0] * 16, [-1e6] * 16]
    features = matrix(rows)
    probabilities = softmax(mlp_logits(layers, features))
    signature = infer_signature(features, probabilities.astype(np.float32))
    return Case(
        name,
        versions("onnx", "numpy", "mlflow-skinny"),
        "classification",
        rows,
        most_probable(probabilities),
        1e-5,
        "Softmax over the labels 0, 1, 2; the weights are in an external data file; tensor signature.",
        lambda directory: save(onnx_model, directory, signature, features[:2]),
        readers.softmax,
        "model/model.onnx",
    )


BUILDERS: dict[str, Callable[[str], Case]] = {
    "mlflow-dir": directory_case,
    "mlflow-external-data": external_data_case,
}
