"""Trains the delivery-date model on simulated orders and writes the model, its baseline and a stretch of traffic."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from delivery import export
from delivery.evaluation import scores, typical_days, zone_medians
from delivery.features import FIELDS, TARGET, ZIP_CODE, features
from delivery.model import MIN_ORDERS, OTHER, fit, is_unknown
from simulate import simulate

HERE = Path(__file__).resolve().parents[1]
NAME, VERSION = "delivery-date", "1.0.0"
ROWS = 100_000
PERIODS = {"train": ("2023-01-01", "2024-12-31"), "test": ("2025-01-01", "2025-12-31")}
BASELINE_ROWS, TRAFFIC_ROWS, EXAMPLE_ROWS = 12_000, 2_000, 20


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m delivery.train",
        description=__doc__,
        epilog="example: python -m delivery.train --rows 20000 --output trial",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--output", type=Path, default=HERE, help="directory that receives all written files")
    parser.add_argument("--rows", type=int, default=ROWS, help="orders of the three years")
    parser.add_argument("--iterations", type=int, default=200, help="boosting rounds, one tree each")
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> dict:
    """Runs the whole training; answers the metadata that was written with the model."""
    options = parse_arguments(arguments)
    orders = split_by_time(simulate(options.rows, options.seed))
    train, test = features(orders["train"]), features(orders["test"])
    pipeline = fit(train, options.iterations, options.learning_rate, options.seed)
    metadata = describe(pipeline, orders, train, test, options)
    export.save_model(pipeline, metadata, options.output / "model")
    export.save_with_encoders(pipeline, options.output / "model-with-encoders")
    traffic = uniform(test, TRAFFIC_ROWS, options.seed)
    export.write_traffic(traffic, options.output / "traffic.jsonl")
    export.write_rows(pd.concat([export.edge_rows(traffic), traffic[:EXAMPLE_ROWS]]), options.output / "rows.jsonl")
    baseline = uniform(train, BASELINE_ROWS, options.seed)
    export.write_baseline(baseline, options.output / "data" / "processed" / "train.csv")
    print(f"written to {options.output}")
    return metadata


def split_by_time(orders: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Train on two years, test on the next: each has every season once or more."""
    day = orders["ordered_at"].str[:10]
    return {name: orders[day.between(*days)].reset_index(drop=True) for name, days in PERIODS.items()}


def describe(
    pipeline: Pipeline,
    orders: dict[str, pd.DataFrame],
    train: pd.DataFrame,
    test: pd.DataFrame,
    options: argparse.Namespace,
) -> dict:
    """Name, test metrics beside the baseline and the best possible, and where the rows came from."""
    actual = test[TARGET].to_numpy()
    predicted = pipeline.predict(test[list(FIELDS)])
    unknown = is_unknown(pipeline, test[ZIP_CODE])
    found = {
        "metrics": scores(actual, predicted),
        "baseline": {"strategy": "median of the zone", **scores(actual, zone_medians(train, test))},
        "best_possible": scores(actual, typical_days(orders["test"], options.seed)),
        "unknown_zip_codes": {
            "rule": f"fewer than {MIN_ORDERS} orders in training, or none: encoded as {OTHER}",
            "share": round(float(np.mean(unknown)), 4),
            **scores(actual[unknown], predicted[unknown]),
        },
    }
    for name, figures in found.items():
        print(f"{name}: {figures}")
    return {
        "name": NAME,
        "version": VERSION,
        "task": "regression",
        "target": TARGET,
        "unit": "calendar days from the day of the order",
        **found,
        "data": {
            "source": f"simulate.py, seed {options.seed}",
            "rows": {name: len(part) for name, part in orders.items()},
            "periods": {name: {"from": first, "to": last} for name, (first, last) in PERIODS.items()},
        },
        "training": {key: getattr(options, key) for key in ("rows", "iterations", "learning_rate", "seed")},
    }


def uniform(part: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """That many rows drawn uniformly, still in time order."""
    return part.sample(min(rows, len(part)), random_state=seed).sort_index().reset_index(drop=True)


if __name__ == "__main__":
    main()
