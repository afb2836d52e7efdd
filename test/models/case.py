"""What a test case is, how it is written down, and how library results become JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx

Json = Any
Row = dict[str, Json] | list[Json]
Prediction = dict[str, Json]
Reader = Callable[[list[str], list[Any]], list[Prediction]]


@dataclass(frozen=True)
class Case:
    """One model with request rows and the answers its own library gives.

    `save` writes the model files into the directory it is given; `read` turns raw
    onnxruntime outputs into the form of `expected`, for the self check.
    A number x agrees with the expected e when |x - e| <= tolerance * max(1, |e|).
    """

    name: str
    library: str
    task: str
    rows: Sequence[Row]
    expected: list[Prediction]
    tolerance: float
    notes: str
    save: Callable[[Path], None]
    read: Reader
    model_file: str = "model.onnx"


def saver(model: onnx.ModelProto) -> Callable[[Path], None]:
    """Return a `Case.save` that writes `model` as a single file."""
    return lambda directory: onnx.save(model, directory / "model.onnx")


def versions(*packages: str) -> str:
    """Name packages with their installed versions, e.g. "skl2onnx 1.2 / scikit-learn 1.7"."""
    return " / ".join(f"{package} {version(package)}" for package in packages)


def to_json(value: Any) -> Json:
    """Turn numpy scalars and arrays into plain JSON values, floats to 9 significant digits."""
    if isinstance(value, np.ndarray | list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return float(f"{value:.9g}") if isinstance(value, float) else value


def label_key(label: Any) -> str:
    """Return the JSON object key that stands for a class label."""
    return str(to_json(label))


def classified(labels: Any, classes: Any, probabilities: Any) -> list[Prediction]:
    """Pair each label with its probability per class."""
    keys = [label_key(c) for c in classes]
    return [
        {"prediction": to_json(label), "probabilities": dict(zip(keys, to_json(p), strict=True))}
        for label, p in zip(labels, probabilities, strict=True)
    ]


def most_probable(probabilities: Any) -> list[Prediction]:
    """Label each row with the index of its largest probability."""
    values = np.asarray(probabilities)
    return classified(values.argmax(axis=1), range(values.shape[1]), values)


def binary(positive: Any) -> list[Prediction]:
    """Label each row 1 when the probability of 1 reaches one half, else 0."""
    p = np.asarray(positive, dtype=np.float64).reshape(-1)
    return classified((p >= 0.5).astype(int), (0, 1), np.column_stack([1 - p, p]))


def valued(values: Any) -> list[Prediction]:
    """Give each row its value: a number for [N] and [N,1], an array for [N,k]."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return [{"prediction": to_json(value), "probabilities": None} for value in array]


def write_case_json(case: Case, directory: Path) -> None:
    """Write `case.json` with one row and one expected answer per line."""
    head = {"name": case.name, "library": case.library, "task": case.task}
    tail = {"tolerance": case.tolerance, "notes": case.notes}
    members = [
        *(f'  "{key}": {_dump(value)}' for key, value in head.items()),
        f'  "rows": {_lines(case.rows)}',
        f'  "expected": {_lines(case.expected)}',
        *(f'  "{key}": {_dump(value)}' for key, value in tail.items()),
    ]
    text = "{\n" + ",\n".join(members) + "\n}\n"
    (directory / "case.json").write_text(text, encoding="utf-8")


def _lines(items: Sequence[Json]) -> str:
    return "[\n" + ",\n".join(f"    {_dump(item)}" for item in items) + "\n  ]"


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
