"""Trains the bench model and writes it as a scikit-learn pipeline and three times as ONNX.

A ColumnTransformer over 15 numbers and 5 texts and 100 boosted trees for each of 3 classes: a usual model on a table.
Usage: python train.py DIRECTORY
Writes model.joblib; model.onnx, which has everything inside (one [rows, 1] tensor a column); matrix.onnx, the trees
alone, with transform.json, which makes their numbers of the same raw columns; codes.onnx, as many trees over 20 numbers
that need no transform; rows.jsonl, raw rows that the models have not seen, and codes.jsonl, the same as 20 numbers.
"""

import json
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.base import clone
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


def trees_to_onnx(trees: GradientBoostingClassifier) -> bytes:
    inputs = [("X", FloatTensorType([None, trees.n_features_in_]))]
    return convert(trees, trees, inputs)


def pipeline_to_onnx(pipeline: Pipeline) -> bytes:
    inputs = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    inputs += [(name, StringTensorType([None, 1])) for name in LEVELS]
    return convert(pipeline, pipeline.named_steps["classify"], inputs)


def convert(model: object, classifier: object, inputs: list) -> bytes:
    options = {id(classifier): {"zipmap": False}}
    target = {"": 17, "ai.onnx.ml": 3}
    return convert_sklearn(model, initial_types=inputs, options=options, target_opset=target).SerializeToString()


def to_codes(table: pd.DataFrame) -> np.ndarray:
    """The numbers, and each text as its place among its levels; float64 [rows, 20]."""
    places = [table[name].map(levels.index) for name, levels in LEVELS.items()]
    return np.column_stack([table[NUMBERS], *places])


def to_transform(prepare: ColumnTransformer) -> dict:
    """What the ColumnTransformer does, as a Slipway transform."""
    scaler = prepare.named_transformers_["numbers"]
    encoder = prepare.named_transformers_["texts"]
    scaled = [
        {"op": "standardise", "fitted": {"mean": float(mean), "scale": float(scale)}}
        for mean, scale in zip(scaler.mean_, scaler.scale_, strict=True)
    ]
    encoded = [
        {"op": "one_hot", "unknown": "zeros", "fitted": {"categories": [str(level) for level in levels]}}
        for levels in encoder.categories_
    ]
    return {
        "schema": "slipway.transform/1",
        "fields": [{"name": name, "type": "number"} for name in NUMBERS]
        + [{"name": name, "type": "string"} for name in LEVELS],
        "outputs": [
            {"name": name, "from": name, "steps": [step]}
            for name, step in zip([*NUMBERS, *LEVELS], scaled + encoded, strict=True)
        ],
    }


def write_lines(file: Path, rows: list[dict]) -> None:
    file.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))


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
    (directory / "model.onnx").write_bytes(pipeline_to_onnx(pipeline))
    (directory / "matrix.onnx").write_bytes(trees_to_onnx(trees))
    (directory / "transform.json").write_text(json.dumps(to_transform(prepare)))
    write_lines(directory / "rows.jsonl", unseen.to_dict("records"))
    codes = to_codes(table)
    code_trees = clone(trees).fit(codes[:TRAINING_ROWS], classes[:TRAINING_ROWS])
    (directory / "codes.onnx").write_bytes(trees_to_onnx(code_trees))
    write_lines(
        directory / "codes.jsonl",
        [{f"f{i}": number for i, number in enumerate(row)} for row in codes[TRAINING_ROWS:].tolist()],
    )
    print(f"accuracy on {UNSEEN_ROWS} unseen rows: {accuracy:.3f}")


if __name__ == "__main__":
    main()
