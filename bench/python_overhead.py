"""Fits models into a folder and prints the median time of `predict` for one row of each, as JSON."""

import json
import statistics
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

folder, calls = Path(sys.argv[1]), int(sys.argv[2])
random = np.random.default_rng(7)
WIDTH = 20
table = random.normal(size=(500, WIDTH))
target = table @ random.normal(size=WIDTH)
names = [f"feature_{place}" for place in range(WIDTH)]
frame = pd.DataFrame(table, columns=names)
mixed = frame.assign(city=random.choice(["Bonn", "Ulm", "Jena"], 500))

MODELS = {
    "linear, 20 numbers": (LinearRegression().fit(table, target), table),
    "linear, 20 columns": (LinearRegression().fit(frame, target), frame),
    "boosting, 20 columns": (GradientBoostingRegressor(n_estimators=50).fit(frame, target), frame),
    "logistic, 20 columns": (LogisticRegression().fit(frame, target > 0), frame),
    "pipeline, 21 columns": (
        make_pipeline(
            ColumnTransformer([("text", OneHotEncoder(), ["city"]), ("numbers", StandardScaler(), names)]),
            LinearRegression(),
        ).fit(mixed, target),
        mixed,
    ),
}


def row_of(inputs) -> dict:
    if isinstance(inputs, pd.DataFrame):
        return inputs.iloc[0].to_dict()
    return {f"f{place}": float(value) for place, value in enumerate(inputs[0])}


def bare_ms(model, inputs) -> float:
    one = inputs[:1]
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        model.predict(one)
        times.append(time.perf_counter() - start)
    return statistics.median(times[calls // 10 :]) * 1000


measured = []
for name, (model, inputs) in MODELS.items():
    joblib.dump(model, folder / f"{name}.joblib")
    measured.append({"name": name, "row": row_of(inputs), "bare_ms": bare_ms(model, inputs)})
print(json.dumps(measured))
