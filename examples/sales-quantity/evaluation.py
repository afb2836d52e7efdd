"""Scores, the check that graph and trainer agree, and the cost of a row."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from sklearn.metrics import accuracy_score, f1_score

from data import CLASSES

Tensors = dict[str, np.ndarray]
MAX_PROBABILITY_DIFFERENCE = 1e-5


@dataclass(frozen=True)
class Parity:
    """How far the graph is from the trainer on the same raw rows."""

    rows: int
    max_probability_difference: float
    different_labels: int
    near_boundary: int  # rows whose two best classes are closer than the tolerance

    @property
    def holds(self) -> bool:
        close = self.max_probability_difference < MAX_PROBABILITY_DIFFERENCE
        return close and self.different_labels == 0


def scores(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Accuracy and F1 of class positions, six decimals."""
    options = {"labels": range(len(CLASSES)), "zero_division": 0}
    return {
        "accuracy": round(float(accuracy_score(actual, predicted)), 6),
        "f1_macro": round(float(f1_score(actual, predicted, average="macro", **options)), 6),
        "f1_weighted": round(float(f1_score(actual, predicted, average="weighted", **options)), 6),
    }


def open_session(model: onnx.ModelProto | str) -> ort.InferenceSession:
    """A single-threaded CPU session over a model in memory or on disk."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    source = model if isinstance(model, str) else model.SerializeToString()
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def predict(session: ort.InferenceSession, tensors: Tensors) -> tuple[np.ndarray, np.ndarray]:
    """Labels [N] and probabilities float32 [N, 3]."""
    labels, probabilities = session.run(["label", "probabilities"], tensors)
    return np.asarray(labels, dtype=str), probabilities


def compare(session: ort.InferenceSession, tensors: Tensors, expected: np.ndarray) -> Parity:
    """`expected` are the trainer's own probabilities, [N, 3], for the same rows."""
    labels, probabilities = predict(session, tensors)
    best = np.sort(expected, axis=1)
    near = best[:, -1] - best[:, -2] < MAX_PROBABILITY_DIFFERENCE
    different = labels != np.array(CLASSES)[expected.argmax(axis=1)]
    return Parity(
        rows=len(expected),
        max_probability_difference=float(np.abs(probabilities - expected).max()),
        different_labels=int((different & ~near).sum()),
        near_boundary=int(near.sum()),
    )


def microseconds_per_row(session: ort.InferenceSession, tensors: Tensors, runs: int = 300) -> float:
    """Median wall time of one batch on one thread, divided by its rows."""
    batch = len(next(iter(tensors.values())))
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        session.run(None, tensors)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)) / batch * 1e6
