"""The files: the model as a notebook leaves it, the baseline, and held-out rows as traffic."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import joblib
import pandas as pd
from sklearn.pipeline import Pipeline

from delivery.features import FIELDS, TARGET
from delivery.model import taken_apart

PACKAGES = ("joblib", "numpy", "pandas", "scikit-learn")


def save_model(pipeline: Pipeline, metadata: dict, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    joblib.dump(pipeline, directory / "delivery_prediction_model.pkl")
    write_json(list(FIELDS), directory / "feature_names.json")
    write_json(metadata, directory / "metadata.json")
    write_requirements(directory)


def save_with_encoders(pipeline: Pipeline, directory: Path) -> None:
    """The same model as many notebooks keep it: trees that take codes, and the encoders in a file of their own."""
    directory.mkdir(parents=True, exist_ok=True)
    trees, encoders, columns = taken_apart(pipeline)
    joblib.dump(trees, directory / "delivery_prediction_model.pkl")
    joblib.dump(encoders, directory / "encoders.joblib")
    write_json(columns, directory / "feature_names.json")
    write_requirements(directory)


def write_requirements(directory: Path) -> None:
    pins = [f"{package}=={version(package)}\n" for package in PACKAGES]
    (directory / "requirements.txt").write_text("".join(pins), encoding="utf-8")


def write_json(value: object, path: Path) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def write_baseline(rows: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(path, index=False, lineterminator="\n")


def write_traffic(rows: pd.DataFrame, path: Path | None) -> None:
    """JSON Lines of {"features": row, "actual": days}; to standard output without a path."""
    records = rows[list(FIELDS)].to_dict("records")
    lines = zip(records, rows[TARGET].to_list(), strict=True)
    text = "".join(json.dumps({"features": record, "actual": days}) + "\n" for record, days in lines)
    if path is None:
        sys.stdout.write(text)
    else:
        path.write_text(text, encoding="utf-8")


def write_rows(rows: pd.DataFrame, path: Path) -> None:
    """JSON Lines of raw rows."""
    text = "".join(json.dumps(record) + "\n" for record in rows[list(FIELDS)].to_dict("records"))
    path.write_text(text, encoding="utf-8")


def edge_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The first of the rows beside rows with texts that nobody has seen, ends of the year, and extreme parcels."""
    changes = [
        {},
        {"zip_code": "97001"},
        {"zip_code": "99999", "carrier": "never seen ✱", "address_type": "", "service_level": "__proto__"},
        {"day_of_year": 1, "day_of_week": 6, "hour_of_day": 0, "zip_code": "00081"},
        {"day_of_year": 366, "day_of_week": 0, "hour_of_day": 23},
        {"weight_kg": 0.0, "item_count": 1},
        {"weight_kg": 1e9, "item_count": 10_000},
    ]
    typical = rows.iloc[0].to_dict()
    return pd.DataFrame([typical | change for change in changes])[list(rows.columns)]
