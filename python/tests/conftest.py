import base64
import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def serving():
    """The engine as it serves: fits a document on a frame and encodes another, row by row, in Node."""

    def run(document, training, frame):
        given = {"document": document, "training": rows_of(training), "rows": rows_of(frame)}
        done = subprocess.run(
            ["node", str(ROOT / "python/tests/serving.mjs")],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        values = np.frombuffer(base64.b64decode(answer["values"]), np.float32)
        answer["values"] = values.reshape(len(frame), len(answer["columns"]))
        return answer

    return run


def rows_of(frame):
    """The rows as a caller sends them."""
    return [{name: _json(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _json(value):
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value
