"""Self check: onnxruntime must agree with the answers the library gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from case import Case, Json, Prediction, Row

Feeds = dict[str, np.ndarray]

DTYPES: dict[str, Any] = {
    "float": np.float32,
    "double": np.float64,
    "float16": np.float16,
    "string": object,
    "bool": np.bool_,
    **{f"{sign}int{bits}": np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


class Disagreement(Exception):
    """onnxruntime and the library give different answers."""


def check(case: Case, directory: Path) -> None:
    """Run `case` through onnxruntime row by row, and in one batch where the model can."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(directory / case.model_file, options, providers=["CPUExecutionProvider"])
    feeds = [_feeds(session, row) for row in case.rows]
    _compare(case, [prediction for feed in feeds for prediction in _predict(case, session, feed)])
    if _can_batch(session, feeds):
        batch = {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]}
        _compare(case, _predict(case, session, batch))


def _predict(case: Case, session: ort.InferenceSession, feeds: Feeds) -> list[Prediction]:
    names = [output.name for output in session.get_outputs()]
    return case.read(names, session.run(None, feeds))


def _compare(case: Case, predictions: list[Prediction]) -> None:
    for index, (actual, expected) in enumerate(zip(predictions, case.expected, strict=True)):
        if not _agree(actual, expected, case.tolerance):
            raise Disagreement(f"{case.name} row {index}: onnxruntime {actual}, library {expected}")


def _can_batch(session: ort.InferenceSession, feeds: list[Feeds]) -> bool:
    free = all(not isinstance(i.shape[0], int) for i in session.get_inputs())
    return free and len({tuple(tensor.shape for tensor in feed.values()) for feed in feeds}) == 1


def _feeds(session: ort.InferenceSession, row: Row) -> Feeds:
    inputs = session.get_inputs()
    fields = row if isinstance(row, dict) else {inputs[0].name: row}
    return {i.name: _tensor(fields[i.name], i.type, len(i.shape)) for i in inputs}


def _tensor(value: Json, type_name: str, rank: int) -> np.ndarray:
    filled = np.nan if value is None else value
    if isinstance(value, list):
        filled = [np.nan if item is None else item for item in value]
    dtype = DTYPES[type_name.removeprefix("tensor(").removesuffix(")")]
    batch = np.array([filled], dtype=dtype)
    return batch.reshape(-1, 1) if rank == 2 and batch.ndim == 1 else batch


def _agree(actual: Json, expected: Json, tolerance: float) -> bool:
    if isinstance(expected, dict):
        return actual.keys() == expected.keys() and all(
            _agree(actual[key], expected[key], tolerance) for key in expected
        )
    if isinstance(expected, list):
        return len(actual) == len(expected) and all(
            _agree(a, e, tolerance) for a, e in zip(actual, expected, strict=True)
        )
    if isinstance(expected, float):
        return abs(actual - expected) <= tolerance * max(1.0, abs(expected))
    return type(actual) is type(expected) and actual == expected
