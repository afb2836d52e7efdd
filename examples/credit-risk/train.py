"""Trains the credit-risk model on simulated applications and writes the model, its baseline and a stretch of traffic."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb
from slipway import Transform
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import export
from evaluation import MAX_PROBABILITY_DIFFERENCE, compare, open_session, scores
from graph import build_graph, trainer_probabilities
from simulate import LABEL, OUTCOMES, TRUTH, simulate

HERE = Path(__file__).resolve().parent
NAME, VERSION = "credit-risk-classifier", "1.0.0"
ROWS = 120_000
PERIODS = {
    "train": ("2023-01-01", "2024-12-31"),
    "validation": ("2025-01-01", "2025-06-30"),
    "test": ("2025-07-01", "2025-12-31"),
}
TRAFFIC_ROWS = 2_000
BASELINE_ROWS = 20_000


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python train.py --rows 20000 --output trial",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--output", type=Path, default=HERE, help="directory that receives all written files")
    parser.add_argument("--rows", type=int, default=ROWS, help="applications of the three years")
    parser.add_argument("--rounds", type=int, default=220, help="boosting rounds, one tree each")
    parser.add_argument("--depth", type=int, default=4, help="greatest depth of a tree")
    parser.add_argument("--learning-rate", type=float, default=0.08)
    parser.add_argument("--folds", type=int, default=5, help="parts of the training rows for out-of-fold encoding")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> dict:
    """Runs the whole training; answers the metadata that was written with the model."""
    options = parse_arguments(arguments)
    splits = split_by_time(simulate(options.rows, options.seed))
    for name, part in splits.items():
        print(f"{name}: {len(part):,} applications, {part[LABEL].mean():.1%} defaults")

    transform = fit_transform(splits["train"])
    matrices = {name: transform.transform(splits[name]) for name in ("validation", "test")}
    matrices["train"] = out_of_fold(splits["train"], options)
    booster, calibration = train(matrices, splits, options)

    model = build_graph(booster, calibration, NAME)
    session = open_session(model)
    expected = trainer_probabilities(booster, calibration, matrices["test"])
    parity = compare(session, matrices["test"], expected)
    print(f"graph: {len(model.SerializeToString()):,} bytes; {parity}")
    if parity["max_probability_difference"] >= MAX_PROBABILITY_DIFFERENCE or parity["different_labels"] > 0:
        raise SystemExit("the ONNX graph disagrees with the trained model; nothing was saved")

    metadata = describe(splits, expected, options) | {"parity": parity}
    traffic = uniform(splits["test"], TRAFFIC_ROWS, options.seed)
    baseline = uniform(splits["train"], BASELINE_ROWS, options.seed)
    export.write_all(options.output, model, transform, metadata, traffic, baseline)
    print(f"written to {options.output}")
    return metadata


def split_by_time(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Train on the first two years, calibrate on the next half, test on the last."""
    day = rows["applied_at"].str[:10]
    return {name: rows[day.between(*days)].reset_index(drop=True) for name, days in PERIODS.items()}


def fit_transform(rows: pd.DataFrame) -> Transform:
    return Transform.load(HERE / "transform.yaml").fit(rows)


def out_of_fold(rows: pd.DataFrame, options: argparse.Namespace) -> np.ndarray:
    """The training matrix [N, K]: no row is encoded by a transform that saw its own outcome."""
    fold = np.random.default_rng(options.seed).integers(0, options.folds, len(rows))
    parts = []
    for number in range(options.folds):
        inside = rows[fold == number]
        parts.append(fit_transform(rows[fold != number]).apply(inside))
    return pd.concat(parts).sort_index().to_numpy("float32")


def train(
    matrices: dict[str, np.ndarray], splits: dict[str, pd.DataFrame], options: argparse.Namespace
) -> tuple[xgb.Booster, tuple[float, float]]:
    """The trees, and slope and intercept that make their margins the log-odds of the validation period."""
    labels = {name: part[LABEL].to_numpy() for name, part in splits.items()}
    rows = xgb.QuantileDMatrix(matrices["train"], labels["train"])
    held_out = xgb.QuantileDMatrix(matrices["validation"], labels["validation"], ref=rows)
    parameters = {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "base_score": 0.5,  # a margin of 0
        "max_depth": options.depth,
        "eta": options.learning_rate,
        "min_child_weight": 20,
        "subsample": 0.8,
        "colsample_bytree": 0.7,
        "tree_method": "hist",
        "nthread": options.threads,
        "seed": options.seed,
    }
    booster = xgb.train(parameters, rows, options.rounds, evals=[(held_out, "validation")], verbose_eval=40)
    margin = booster.predict(xgb.DMatrix(matrices["validation"]), output_margin=True)
    fit = LogisticRegression(C=1e6).fit(margin.reshape(-1, 1), labels["validation"])
    return booster, (float(fit.coef_[0, 0]), float(fit.intercept_[0]))


def describe(splits: dict[str, pd.DataFrame], probability: np.ndarray, options: argparse.Namespace) -> dict:
    """Name, test metrics beside the base rate of the training period, and where the rows came from."""
    defaulted = splits["test"][LABEL].to_numpy()
    base_rate = float(splits["train"][LABEL].mean())
    metrics = scores(defaulted, probability)
    baseline = {"strategy": f"always {base_rate:.4f}", **scores(defaulted, np.full(len(defaulted), base_rate))}
    best = round(float(roc_auc_score(defaulted, splits["test"][TRUTH])), 6)
    print(f"test: {metrics}\nbase rate: {baseline}\nbest possible auc: {best}")
    return {
        "name": NAME,
        "version": VERSION,
        "task": "classification",
        "labels": list(OUTCOMES),
        "positive_label": "default",
        "metrics": metrics,
        "baseline": baseline,
        "best_possible_auc": best,
        "data": {
            "source": f"simulate.py, seed {options.seed}",
            "target": "whether the loan defaulted",
            "rows": {name: len(part) for name, part in splits.items()},
            "periods": {name: {"from": first, "to": last} for name, (first, last) in PERIODS.items()},
        },
        "training": {key: getattr(options, key) for key in ("rows", "rounds", "depth", "learning_rate", "seed")},
    }


def uniform(part: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """That many rows drawn uniformly, still in time order."""
    return part.sample(min(rows, len(part)), random_state=seed).sort_index().reset_index(drop=True)


if __name__ == "__main__":
    main()
