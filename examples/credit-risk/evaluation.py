"""Scores beside the base rate, and the check that graph and trainer agree."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

from graph import INPUT
from simulate import OUTCOMES

MAX_PROBABILITY_DIFFERENCE = 1e-5
BINS = 10


def scores(defaulted: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Of the probability of a default [N], six decimals."""
    found = {
        "auc": roc_auc_score(defaulted, probability),
        "brier": brier_score_loss(defaulted, probability),
        "log_loss": log_loss(defaulted, probability),
        "accuracy": accuracy_score(defaulted, probability > 0.5),
        "calibration_error": calibration_error(defaulted, probability),
    }
    return {name: round(float(value), 6) for name, value in found.items()}


def calibration_error(defaulted: np.ndarray, probability: np.ndarray) -> float:
    """Mean distance of forecast and frequency over ten groups of equal size, ordered by the forecast."""
    groups = np.array_split(np.argsort(probability, kind="stable"), BINS)
    distances = [abs(probability[rows].mean() - defaulted[rows].mean()) * len(rows) for rows in groups]
    return float(np.sum(distances) / len(probability))


def open_session(model: onnx.ModelProto | str) -> ort.InferenceSession:
    """A single-threaded CPU session over a model in memory or on disk."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    source = model if isinstance(model, str) else model.SerializeToString()
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def predict(session: ort.InferenceSession, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels [N] and probabilities float32 [N, 2] for a float32 matrix [N, K]."""
    labels, probabilities = session.run(["label", "probabilities"], {INPUT: matrix})
    return np.asarray(labels, dtype=str), probabilities


def compare(session: ort.InferenceSession, matrix: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """How far the graph is from the trainer's own probabilities of a default, `expected` [N]."""
    labels, probabilities = predict(session, matrix)
    near = np.abs(expected - 0.5) < MAX_PROBABILITY_DIFFERENCE
    different = labels != np.array(OUTCOMES)[(expected > 0.5).astype(int)]
    return {
        "rows": len(matrix),
        "max_probability_difference": float(np.abs(probabilities[:, 1] - expected).max()),
        "different_labels": int((different & ~near).sum()),
    }
