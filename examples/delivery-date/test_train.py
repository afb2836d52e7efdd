"""The pipeline learns on a sample, and the committed model is the one its files describe."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from conftest import answers_of
from delivery import train
from delivery.evaluation import scores
from delivery.export import edge_rows
from delivery.features import FIELDS, NUMBERS, TARGET, features
from delivery.model import OTHER, is_unknown
from simulate import simulate

HERE = Path(__file__).resolve().parent
MODEL = HERE / "model"


@pytest.fixture(scope="module")
def splits() -> dict[str, pd.DataFrame]:
    """The rows of the committed model."""
    orders = train.split_by_time(simulate(train.ROWS))
    return {name: features(part) for name, part in orders.items()}


def test_a_sample_of_20_000_orders_learns_within_the_measured_band(sample_run: tuple[dict, Path]) -> None:
    """Four seeds gave errors of 0.732-0.751 days, 0.872-0.874 within a day; the band is about four standard deviations."""
    found = sample_run[0]
    assert 0.71 <= found["metrics"]["mae"] <= 0.775
    assert 0.862 <= found["metrics"]["within_one_day"] <= 0.888
    assert found["metrics"]["mae"] < 0.6 * found["baseline"]["mae"]
    assert found["metrics"]["within_one_day"] > found["baseline"]["within_one_day"] + 0.2
    assert found["best_possible"]["mae"] < found["metrics"]["mae"] < found["unknown_zip_codes"]["mae"]


def test_a_run_writes_every_file(sample_run: tuple[dict, Path]) -> None:
    output = sample_run[1]
    files = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}
    assert files == {
        "data/processed/train.csv",
        "model/delivery_prediction_model.pkl",
        "model/feature_names.json",
        "model/metadata.json",
        "model/requirements.txt",
        "model-with-encoders/delivery_prediction_model.pkl",
        "model-with-encoders/encoders.joblib",
        "model-with-encoders/feature_names.json",
        "model-with-encoders/requirements.txt",
        "rows.jsonl",
        "traffic.jsonl",
    }


def test_the_committed_model_has_the_figures_of_its_metadata(
    committed: Pipeline, metadata: dict, splits: dict[str, pd.DataFrame]
) -> None:
    test = splits["test"]
    actual, predicted = test[TARGET].to_numpy(), committed.predict(test[list(FIELDS)])
    unknown = is_unknown(committed, test["zip_code"])
    assert metadata["data"]["rows"] == {name: len(part) for name, part in splits.items()}
    assert scores(actual, predicted) == pytest.approx(metadata["metrics"], abs=2e-4)
    of_unknown = {name: metadata["unknown_zip_codes"][name] for name in metadata["metrics"]}
    assert scores(actual[unknown], predicted[unknown]) == pytest.approx(of_unknown, abs=2e-4)


def test_the_committed_rows_are_what_the_simulator_gives(
    traffic: pd.DataFrame, splits: dict[str, pd.DataFrame]
) -> None:
    expected = train.uniform(splits["test"], train.TRAFFIC_ROWS, seed=7)
    pd.testing.assert_frame_equal(traffic, expected)
    baseline = pd.read_csv(HERE / "data" / "processed" / "train.csv", dtype={"zip_code": str})
    pd.testing.assert_frame_equal(baseline, train.uniform(splits["train"], train.BASELINE_ROWS, seed=7))
    lines = (HERE / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    examples = pd.concat([edge_rows(expected), expected[: train.EXAMPLE_ROWS]])
    assert [json.loads(line) for line in lines] == examples[list(FIELDS)].to_dict("records")


def test_the_committed_model_needs_nothing_but_its_requirements(committed: Pipeline, traffic: pd.DataFrame) -> None:
    """Loaded by an interpreter that has none of the modules here; the pins are the versions that pickled it."""
    names = json.loads((MODEL / "feature_names.json").read_text(encoding="utf-8"))
    assert names == list(FIELDS) == list(committed.feature_names_in_)
    pins = dict(line.split("==") for line in (MODEL / "requirements.txt").read_text(encoding="utf-8").split())
    assert pins == {package: version(package) for package in ("joblib", "numpy", "pandas", "scikit-learn")}
    program = (
        "import json, sys, joblib, pandas\n"
        "rows = pandas.DataFrame(json.load(sys.stdin))\n"
        "print(json.dumps(joblib.load(sys.argv[1]).predict(rows).tolist()))"
    )
    rows = traffic[list(FIELDS)][:20]
    run = subprocess.run(
        [sys.executable, "-I", "-c", program, str(MODEL / "delivery_prediction_model.pkl")],
        input=json.dumps(rows.to_dict("list")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == committed.predict(rows).tolist()


def test_the_model_in_parts_answers_alike(traffic: pd.DataFrame) -> None:
    whole, parts = answers_of(HERE, pd.concat([edge_rows(traffic), traffic])[list(FIELDS)])
    np.testing.assert_array_equal(whole, parts)


def test_texts_that_nobody_has_seen_count_as_the_category_of_unknown_ones(
    committed: Pipeline, traffic: pd.DataFrame
) -> None:
    row = traffic[list(FIELDS)].iloc[[0]]
    known, new, newer = (
        committed["encode"].transform(row.assign(zip_code=code, carrier=carrier))[0]
        for code, carrier in (("00164", "Kurio"), ("97001", "nobody"), ("", "no one"))
    )
    assert known[0] != OTHER
    assert new[0] == OTHER
    np.testing.assert_array_equal(new, newer)
    without_zero = committed["encode"].transform(row.assign(zip_code="164"))[0]
    assert without_zero[0] == OTHER


def test_skl2onnx_converts_the_committed_model(committed: Pipeline, traffic: pd.DataFrame) -> None:
    """Each column an input of its own, the numbers as float32."""
    types = [
        (field, FloatTensorType([None, 1]) if field in NUMBERS else StringTensorType([None, 1])) for field in FIELDS
    ]
    graph = to_onnx(committed, initial_types=types)
    rows = pd.concat([edge_rows(traffic), traffic])[list(FIELDS)]
    tensors = {field: rows[[field]].to_numpy("float32" if field in NUMBERS else object) for field in FIELDS}
    [days] = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, tensors)
    np.testing.assert_allclose(days[:, 0], committed.predict(rows), rtol=0, atol=1e-5)
