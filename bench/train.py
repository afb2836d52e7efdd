"""Trains the bench model and writes it twice: as a scikit-learn pipeline and, whole, as ONNX.

A ColumnTransformer over 15 numbers and 5 texts and 100 boosted trees for each of 3 classes: a usual model on a table.
Usage: python train.py DIRECTORY
Writes model.joblib, model.onnx (one [rows, 1] tensor a column), rows.jsonl (raw rows that the model has not seen).
"""

import json
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

TRAINING_ROWS = 16_000
UNSEEN_ROWS = 1_000
NUMBERS = [f"n{i}" for i in range(15)]
LEVELS = {
    "colour": ["red", "green", "blue"],
    "region": ["north", "south", "east", "west"],
    "plan": ["basic", "plus", "pro", "enterprise", "trial"],
    "day": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
    "channel": ["web", "ios", "android", "store", "phone", "partner", "mail", "other"],
}
CLASSES = np.array(["low", "medium", "high"])


def make_table(rows: int, random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows with four decimals, as callers send them, and a class that hangs on some columns and their products."""
    numbers = random.normal(size=(rows, len(NUMBERS))).round(4)
    codes = np.stack([random.integers(0, len(levels), rows) for levels in LEVELS.values()], axis=1)
    score = (
        numbers[:, 0]
        + 0.7 * numbers[:, 1] * numbers[:, 2]
        - 0.5 * numbers[:, 3]
        + 0.8 * np.sin(2 * numbers[:, 4])
        + 0.6 * codes[:, 0]
        + 0.4 * codes[:, 2] * numbers[:, 5]
        + 0.2 * codes[:, 4]
        + random.normal(0, 0.5, rows)
    )
    table = pd.DataFrame(numbers, columns=NUMBERS)
    for column, (name, levels) in enumerate(LEVELS.items()):
        table[name] = np.array(levels, dtype=object)[codes[:, column]]
    return table, CLASSES[np.digitize(score, np.quantile(score, [1 / 3, 2 / 3]))]


def to_onnx(pipeline: Pipeline) -> bytes:
    inputs = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    inputs += [(name, StringTensorType([None, 1])) for name in LEVELS]
    options = {id(pipeline.named_steps["classify"]): {"zipmap": False}}
    target = {"": 17, "ai.onnx.ml": 3}
    return convert_sklearn(pipeline, initial_types=inputs, options=options, target_opset=target).SerializeToString()


def main() -> None:
    directory = Path(sys.argv[1])
    table, classes = make_table(TRAINING_ROWS + UNSEEN_ROWS, np.random.default_rng(42))
    prepare = ColumnTransformer(
        [
            ("numbers", StandardScaler(), NUMBERS),
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(LEVELS)),
        ]
    )
    trees = GradientBoostingClassifier(n_estimators=100, max_depth=3, random_state=42)
    pipeline = Pipeline([("prepare", prepare), ("classify", trees)])
    pipeline.fit(table[:TRAINING_ROWS], classes[:TRAINING_ROWS])
    unseen = table[TRAINING_ROWS:]
    accuracy = pipeline.score(unseen, classes[TRAINING_ROWS:])
    joblib.dump(pipeline, directory / "model.joblib")
    (directory / "model.onnx").write_bytes(to_onnx(pipeline))
    lines = (json.dumps(row, separators=(",", ":")) for row in unseen.to_dict("records"))
    (directory / "rows.jsonl").write_text("\n".join(lines) + "\n")
    print(f"accuracy on {UNSEEN_ROWS} unseen rows: {accuracy:.3f}")


if __name__ == "__main__":
    main()
