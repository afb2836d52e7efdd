"""What the suites share: tables, their columns as the wire has them, and comparisons with a library's own answers."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

# Threads that wait for each other on busy cores take most of the time of models this small.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pytest  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

from slipway_worker.models import Columns, Output  # noqa: E402

ROWS = 500


def columns_of(table: pd.DataFrame | np.ndarray) -> Columns:
    """The columns as the server sends them: numbers as arrays, everything else as lists with None for missing."""
    frame = (
        table
        if isinstance(table, pd.DataFrame)
        else pd.DataFrame(table, columns=[f"f{i}" for i in range(table.shape[1])])
    )
    arrays = {}
    for name in frame.columns:
        series = frame[name]
        if series.dtype.kind in "fiub" and isinstance(series.dtype, np.dtype):
            arrays[name] = series.to_numpy()
        else:
            arrays[name] = [
                None if value is None or value is pd.NA or value != value else value for value in series.tolist()
            ]
    return Columns(list(frame.columns), len(frame), arrays)


def assert_labels(output: Output, labels, probabilities=None) -> None:
    """Equal labels of equal types, and probabilities to 1e-6."""
    assert isinstance(output.predictions, list)
    assert output.predictions == np.asarray(labels).tolist()
    assert {type(value) for value in output.predictions} <= {str, int, float, bool}
    if probabilities is None:
        assert output.probabilities is None
    else:
        assert output.probabilities.dtype == np.float64
        np.testing.assert_allclose(output.probabilities, probabilities, rtol=0, atol=1e-6)


def assert_numbers(output: Output, numbers) -> None:
    assert output.probabilities is None
    np.testing.assert_allclose(
        np.array(output.predictions, float), np.asarray(numbers, float).ravel(), rtol=0, atol=1e-6
    )


def mixed_table(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """Numbers with gaps, whole numbers, texts and booleans."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": random.integers(18, 80, rows),
            "income": random.normal(40, 12, rows).round(2),
            "city": random.choice(["Oslo", "Paris", "Rome"], rows).astype(object),
            "plan": random.choice(["basic", "pro"], rows).astype(object),
            "member": random.random(rows) > 0.5,
        }
    )
    table.loc[random.random(rows) < 0.1, "income"] = np.nan
    return table


def labels_for(table: pd.DataFrame) -> np.ndarray:
    score = table["age"] / 40 + (table["city"] == "Rome") + table["income"].fillna(40) / 40
    return np.where(score > 2.6, "high", np.where(score > 2.0, "middle", "low"))


@pytest.fixture
def table() -> pd.DataFrame:
    return mixed_table()


@pytest.fixture
def matrix() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(ROWS, 6))


@pytest.fixture(autouse=True)
def quiet():
    """Libraries warn of what the tests do on purpose; modules and paths of one model are not there for the next."""
    path, modules = list(sys.path), set(sys.modules)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name in ("feature_transformer", "own_steps"):
            del sys.modules[name]
