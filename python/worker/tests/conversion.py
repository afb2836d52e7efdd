"""Converts as the server does, and asks the graph as the runtime does."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from slipway_convert.__main__ import convert as convert_job
from slipway_convert.categories import MISSING_TEXT
from slipway_convert.report import Reporter
from slipway_worker.models import load

WORKER = Path(__file__).parents[1]
#: Two probabilities nearer than this are told apart by rounding alone (src/models/proving/parity.ts).
BOUNDARY = 1e-6
#: What float32 leaves of a sum over trees.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Converted:
    graph: onnx.ModelProto
    facts: dict[str, Any]
    done: dict[str, Any]
    stages: list[str]

    def ask(self, table: pd.DataFrame | np.ndarray) -> list[np.ndarray]:
        frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(table)
        session = onnxruntime.InferenceSession(self.graph.SerializeToString(), providers=["CPUExecutionProvider"])
        inputs = session.get_inputs()
        if len(inputs) == 1 and inputs[0].shape[1] == frame.shape[1]:
            return session.run(None, {inputs[0].name: frame.to_numpy(np.float64)})
        return session.run(None, {port.name: column_of(frame, port) for port in inputs})


def column_of(frame: pd.DataFrame, port: Any) -> np.ndarray:
    if port.type == "tensor(string)":
        texts = [MISSING_TEXT if value is None or value != value else value for value in frame[port.name]]
        return np.array(texts, object).reshape(-1, 1)
    return frame[[port.name]].to_numpy(np.float64)


def job_of(directory: Path, entry: str, precision: str = "float64", **changes: Any) -> dict[str, Any]:
    facts = load(directory, entry, None).facts
    inputs = facts["inputs"] or [{"name": f"f{i}", "type": "float64"} for i in range(facts["width"])]
    return {
        "directory": str(directory),
        "entry": entry,
        "declared": None,
        "output": str(directory / "graph.onnx"),
        "precision": precision,
        "fields": [{"name": each["name"], "type": each["type"]} for each in inputs],
        "task": facts["task"],
        "has_probabilities": facts["has_probabilities"],
        **changes,
    }


def run_job(directory: Path, entry: str, precision: str = "float64", **changes: Any) -> list[dict[str, Any]]:
    """The lines that a process of its own writes."""
    done = subprocess.run(
        [sys.executable, "-m", "slipway_convert"],
        input=json.dumps(job_of(directory, entry, precision, **changes)),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(WORKER)},
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode == 0) == ("done" in lines[-1]), done.stderr[-2000:]
    return lines


def convert(directory: Path, entry: str, precision: str = "float64") -> Converted:
    """In this process, which has the libraries in memory."""
    lines = io.StringIO()
    done = convert_job(job_of(directory, entry, precision), Reporter(lines))
    stages = [json.loads(line) for line in lines.getvalue().splitlines()]
    facts = load(directory, entry, None).facts
    return Converted(
        onnx.load(directory / "graph.onnx"), facts, done, [stage["stage"] for stage in stages]
    )


def refusal(directory: Path, entry: str, precision: str = "float64") -> dict[str, Any]:
    return run_job(directory, entry, precision)[-1]["error"]


def assert_same_labels(converted: Converted, table: Any, labels: Any, probabilities: Any = None, boundary: int = 0) -> None:
    """Equal labels, but for so many on a boundary, and equal probabilities."""
    answers = converted.ask(table)
    labels = np.asarray(labels)
    differs = answers[0].reshape(-1).astype(labels.dtype) != labels
    if probabilities is None:
        assert len(answers) == 1
        assert not differs.any()
        return
    np.testing.assert_allclose(answers[1], probabilities, rtol=0, atol=TOLERANCE)
    two = np.sort(np.asarray(probabilities), axis=1)[:, -2:]
    assert not (differs & (two[:, 1] - two[:, 0] >= BOUNDARY)).any()
    assert differs.sum() <= boundary


def assert_same_numbers(converted: Converted, table: Any, numbers: Any) -> None:
    [answer] = converted.ask(table)
    numbers = np.asarray(numbers, float)
    scale = np.maximum(np.abs(numbers), np.abs(numbers).mean())
    assert (np.abs(answer.reshape(-1) - numbers) / scale).max() <= TOLERANCE
