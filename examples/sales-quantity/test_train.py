"""The pipeline learns on a sample, and the committed model is the one its files describe."""

from __future__ import annotations

import json
from pathlib import Path

import mlflow.onnx
import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from slipway import Transform

import train
from data import CLASSES, FIELDS, TARGET
from encoders import ByEngine, Encoding, InGraph
from evaluation import open_session, predict, scores
from graph import INPUT

HERE = Path(__file__).resolve().parent
MODEL, IN_GRAPH = HERE / "model", HERE / "model-in-graph"
STANDARD_ERRORS = 4  # a right model fails one comparison in about 16,000


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    output = tmp_path_factory.mktemp("sample")
    arguments = ["--sample-rows", "200000", "--rounds", "40", "--output", str(output)]
    return train.main(arguments), output


@pytest.fixture(scope="module")
def by_engine() -> ByEngine:
    return ByEngine(Transform.load(MODEL / "transform.json"))


@pytest.fixture(scope="module", params=["model", "model-in-graph"])
def committed(request: pytest.FixtureRequest, by_engine: ByEngine) -> tuple[Path, Encoding]:
    return HERE / request.param, by_engine if request.param == "model" else InGraph()


@pytest.fixture(scope="module")
def traffic() -> pd.DataFrame:
    lines = (HERE / "traffic.jsonl").read_text(encoding="utf-8").splitlines()
    return pd.DataFrame([{**row["features"], TARGET: row["actual"]} for row in map(json.loads, lines)])


def test_a_sample_of_200_000_lines_learns_within_the_measured_band(sample_run: tuple[dict, Path]) -> None:
    """Five seeds gave accuracy 0.8045-0.8085 and macro F1 0.459-0.470; the band is about four standard deviations."""
    metrics, baseline = sample_run[0]["metrics"], sample_run[0]["baseline"]
    assert 0.800 <= metrics["accuracy"] <= 0.813
    assert 0.445 <= metrics["f1_macro"] <= 0.485
    assert metrics["accuracy"] > baseline["accuracy"]
    assert metrics["f1_macro"] > baseline["f1_macro"] + 0.1


def test_a_run_writes_every_file_with_the_declared_fields(sample_run: tuple[dict, Path]) -> None:
    output = sample_run[1]
    baseline = pd.read_csv(output / "data" / "processed" / "train.csv", keep_default_na=False)
    assert list(baseline.columns) == [*FIELDS, TARGET]
    assert len(baseline) == 20_000
    assert (output / "model" / "model.onnx").exists()
    assert len((output / "traffic.jsonl").read_text(encoding="utf-8").splitlines()) == 1_000


def test_the_in_graph_model_can_still_be_trained(tmp_path: Path) -> None:
    train.main(["--in-graph", "--sample-rows", "60000", "--rounds", "5", "--output", str(tmp_path)])
    metadata = mlflow.pyfunc.load_model(str(tmp_path / "model-in-graph")).metadata.metadata
    assert metadata["version"] == "1.0.0"
    assert not (tmp_path / "model").exists()


def test_the_committed_models_reproduce_their_golden_examples(committed: tuple[Path, Encoding]) -> None:
    model, encoding = committed
    examples = json.loads((model / "golden.json").read_text(encoding="utf-8"))
    inputs = pd.DataFrame([example["input"] for example in examples])
    labels, probabilities = predict(open_session(str(model / "model.onnx")), encoding.tensors(inputs))
    assert len(examples) == 8
    assert list(labels) == [example["output"]["prediction"] for example in examples]
    expected = np.array([example["output"]["probabilities"] for example in examples])
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-6)
    assert [example.get("vector") for example in examples] == [row.get("vector") for row in encoding.vectors(inputs)]


def test_both_models_answer_alike(by_engine: ByEngine, traffic: pd.DataFrame) -> None:
    """They were trained on the same numbers, so the engine makes what the graph makes."""
    answers = [
        predict(open_session(str(model / "model.onnx")), encoding.tensors(traffic))
        for model, encoding in ((MODEL, by_engine), (IN_GRAPH, InGraph()))
    ]
    assert list(answers[0][0]) == list(answers[1][0])
    np.testing.assert_allclose(answers[0][1], answers[1][1], rtol=0, atol=1e-5)


def test_traffic_reproduces_the_committed_metrics_within_sampling_error(
    committed: tuple[Path, Encoding], traffic: pd.DataFrame
) -> None:
    """1,000 rows: the standard error of each metric is that of 300 bootstrap resamples of those rows."""
    model, encoding = committed
    labels, _ = predict(open_session(str(model / "model.onnx")), encoding.tensors(traffic))
    predicted = pd.Categorical(labels, categories=CLASSES).codes
    actual = pd.Categorical(traffic[TARGET], categories=CLASSES).codes
    draws = np.random.default_rng(1).integers(0, len(traffic), (300, len(traffic)))
    resampled = pd.DataFrame([scores(actual[draw], predicted[draw]) for draw in draws]).std()
    metadata = mlflow.pyfunc.load_model(str(model)).metadata.metadata
    for metric, value in scores(actual, predicted).items():
        assert abs(value - metadata["metrics"][metric]) <= STANDARD_ERRORS * resampled[metric], metric


def test_the_served_example_is_answered_through_mlflow() -> None:
    body = json.loads((MODEL / "serving_input_example.json").read_text(encoding="utf-8"))
    rows = pd.DataFrame(**body["dataframe_split"]).astype("float32")
    labels, probabilities = predict(open_session(mlflow.onnx.load_model(str(MODEL))), {INPUT: rows.to_numpy()})
    assert set(labels) <= set(CLASSES)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_in_graph_example_is_answered_through_mlflow() -> None:
    body = json.loads((IN_GRAPH / "serving_input_example.json").read_text(encoding="utf-8"))
    tensors = InGraph().tensors(pd.DataFrame(**body["dataframe_split"]))
    labels, probabilities = predict(open_session(mlflow.onnx.load_model(str(IN_GRAPH))), tensors)
    assert set(labels) <= set(CLASSES)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_engine_s_graph_takes_the_columns_of_its_transform(by_engine: ByEngine) -> None:
    [matrix] = open_session(str(MODEL / "model.onnx")).get_inputs()
    signature = mlflow.pyfunc.load_model(str(MODEL)).metadata.signature
    columns = by_engine.transform.columns
    assert (matrix.type, matrix.shape) == ("tensor(float)", ["batch", len(columns)])
    assert [column["name"] for column in signature.inputs.to_dict()] == columns
    assert [field["name"] for field in by_engine.transform.document["fields"]] == list(FIELDS)


def test_the_in_graph_model_takes_the_field_types_of_its_signature() -> None:
    session = open_session(str(IN_GRAPH / "model.onnx"))
    types = {"long": "tensor(int64)", "float": "tensor(float)", "string": "tensor(string)"}
    signature = mlflow.pyfunc.load_model(str(IN_GRAPH)).metadata.signature
    columns = {column["name"]: column["type"] for column in signature.inputs.to_dict()}
    assert columns == FIELDS
    assert {put.name: put.type for put in session.get_inputs()} == {name: types[kind] for name, kind in FIELDS.items()}
    assert all(put.shape == ["batch", 1] for put in session.get_inputs())
