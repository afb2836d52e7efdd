"""What the tests share: one training on a sample, the committed model, and its held-out rows."""

from __future__ import annotations

import json
import os
from pathlib import Path

# Threads that wait for each other make a fit of 2 seconds one of a minute where the cores have other work.
os.environ["OMP_NUM_THREADS"] = "1"

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from delivery import train

HERE = Path(__file__).resolve().parent
SAMPLE_ROWS = 20_000


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    output = tmp_path_factory.mktemp("sample")
    return train.main(["--rows", str(SAMPLE_ROWS), "--output", str(output)]), output


@pytest.fixture(scope="session")
def committed() -> Pipeline:
    return joblib.load(HERE / "model" / "delivery_prediction_model.pkl")


@pytest.fixture(scope="session")
def metadata() -> dict:
    return json.loads((HERE / "model" / "metadata.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def traffic() -> pd.DataFrame:
    lines = (HERE / "traffic.jsonl").read_text(encoding="utf-8").splitlines()
    return pd.DataFrame([{**row["features"], "delivery_days": row["actual"]} for row in map(json.loads, lines)])


def answers_of(folder: Path, rows: pd.DataFrame) -> np.ndarray:
    """Days for each row by the pipeline, and by the model in parts: [2, N]."""
    whole, parts = folder / "model", folder / "model-with-encoders"
    trees, encoders = (joblib.load(parts / name) for name in ("delivery_prediction_model.pkl", "encoders.joblib"))
    columns = json.loads((parts / "feature_names.json").read_text(encoding="utf-8"))
    coded = rows.assign(**{field: encoder.transform(rows[[field]])[:, 0] for field, encoder in encoders.items()})
    pipeline = joblib.load(whole / "delivery_prediction_model.pkl")
    return np.stack([pipeline.predict(rows), trees.predict(coded[columns].to_numpy("float64"))])
