"""What a loaded model writes to stderr goes to the server's log with each row: nothing, where nothing is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import joblib
from sklearn.linear_model import LogisticRegression


def test_an_estimator_fitted_on_names_warns_of_none(tmp_path, table):
    numbers = table[["age", "member"]].astype(float)
    joblib.dump(LogisticRegression().fit(numbers, table["city"]), tmp_path / "model.joblib")
    program = """
import sys
import numpy as np
from slipway_worker.models import Columns, load

names = sys.argv[2:]
model = load(sys.argv[1], "model.joblib")
for _ in range(2):
    model.predict(Columns(names, 1, {name: np.zeros(1) for name in names}))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), *numbers.columns],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert (ran.returncode, ran.stderr) == (0, "")
