"""`slipway convert` and `convert: auto` on a built server, with models of scikit-learn."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

ROOT = Path(__file__).parents[2]
ROWS = 300


def people(seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": random.integers(18, 80, ROWS).astype(float),
            "income": random.lognormal(10, 1, ROWS).round(2),
            "city": random.choice(["Oslo", "Paris", "Rome"], ROWS),
        }
    )
    table.loc[::9, "income"] = np.nan
    return table


def labels_of(table: pd.DataFrame) -> np.ndarray:
    return np.where(table["age"] + (table["city"] == "Oslo") * 30 > 55, "yes", "no")


def forest() -> object:
    steps = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ]
    )
    return make_pipeline(steps, RandomForestClassifier(20, random_state=0)).fit(people(0), labels_of(people(0)))


def by_category() -> object:
    """Splits on sets of categories, which the converter of skl2onnx takes for thresholds: its graph is wrong."""
    table = np.random.default_rng(0).integers(0, 12, (ROWS, 1)).astype(float)
    model = HistGradientBoostingClassifier(categorical_features=[0], min_samples_leaf=2)
    return model.fit(table, np.isin(table[:, 0], [1, 4, 5, 9]).astype(int))


@pytest.fixture
def folder(tmp_path):
    config = {"python": {"interpreter": sys.executable}, "server": {"port": 0}}
    (tmp_path / "slipway.yaml").write_text(json.dumps(config))
    return tmp_path


def slipway(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = ["node", str(ROOT / "dist/bin.js"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def versions(folder: Path) -> list[dict]:
    models = json.loads(slipway(folder, "models", "list", "--json").stdout)
    return [version for model in models for version in model["versions"]]


def test_registers_a_proved_graph_with_its_provenance(folder):
    joblib.dump(forest(), folder / "risk.joblib")
    people(1).assign(label="yes").to_csv(folder / "rows.csv", index=False)
    ran = slipway(folder, "convert", "./risk.joblib", "--rows", "rows.csv", "--semver", "1.1.0", "--trust", "--json")
    assert ran.returncode == 0, ran.stderr
    made = json.loads(ran.stdout)
    parity = made["conversion"]["parity"]
    assert (made["flavor"], made["version"], made["executes_code"]) == ("onnx", "1.1.0", False)
    assert parity["holds"] and parity["rows"] == ROWS + 1_000
    assert parity["labels_differing"] == parity["boundary_rows"] <= 3
    newest, original = versions(folder)
    assert newest["metadata"]["converted_from"] == {
        "registry": "embedded",
        "model": "risk",
        "version": original["number"],
        "digest": original["digest"],
    }
    assert newest["metadata"]["conversion"]["packages"]["skl2onnx"]
    verified = slipway(folder, "models", "verify", f"risk/{newest['number']}")
    assert verified.returncode == 0, verified.stderr


def test_code_that_nobody_trusts_is_not_run(folder):
    joblib.dump(forest(), folder / "risk.joblib")
    ran = slipway(folder, "convert", "./risk.joblib", "--json")
    assert ran.returncode == 2
    assert json.loads(ran.stderr)["error"]["code"] == "UNTRUSTED_CODE"


def test_a_graph_that_answers_otherwise_is_refused_with_the_rows(folder):
    joblib.dump(by_category(), folder / "sets.joblib")
    ran = slipway(folder, "convert", "./sets.joblib", "--trust", "--json")
    assert ran.returncode == 2
    error = json.loads(ran.stderr)["error"]
    assert error["code"] == "CONVERSION_REFUSED"
    assert error["problems"][0]["path"].startswith("rows[")
    assert '"f0":' in error["problems"][0]["message"]
    assert versions(folder) == []


def test_a_step_that_is_code_is_refused_by_name(folder):
    table = people(0)[["age"]].to_numpy()
    model = make_pipeline(FunctionTransformer(lambda x: x / 2), LogisticRegression()).fit(table, table[:, 0] > 50)
    (folder / "half.pkl").write_bytes(cloudpickle.dumps(model))
    ran = slipway(folder, "convert", "./half.pkl", "--trust")
    assert ran.returncode == 2
    assert 'Step "functiontransformer" is a FunctionTransformer of' in ran.stderr
    assert "Converting Pipeline in float64" in ran.stderr
    assert versions(folder) == []


def serve(folder: Path) -> tuple[subprocess.Popen, str]:
    command = ["node", str(ROOT / "dist/bin.js"), "serve", "--json"]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    line = server.stdout.readline()
    assert line, "the server did not start"
    return server, json.loads(line)["url"]


def stop(server: subprocess.Popen) -> None:
    server.send_signal(signal.SIGTERM)
    server.wait()
    server.stdout.close()


def ask(url: str, path: str, body: object = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_an_endpoint_serves_the_graph_where_the_proof_holds_and_python_where_not(folder):
    risk, sets = forest(), by_category()
    joblib.dump(risk, folder / "risk.joblib")
    joblib.dump(sets, folder / "sets.joblib")
    endpoints = {name: {"model": f"./{name}.joblib", "convert": "auto"} for name in ("risk", "sets")}
    python = {"interpreter": sys.executable, "trusted": ["embedded"]}
    config = {"python": python, "server": {"port": 0}, "endpoints": endpoints, "default_endpoint": "risk"}
    (folder / "slipway.yaml").write_text(json.dumps(config))
    for start in range(2):
        server, url = serve(folder)
        try:
            served = ask(url, "/health")["models"]
            assert {name: each["format"] for name, each in served.items()} == {"risk": "onnx", "sets": "python"}
            asked = people(2)
            rows = [{k: None if v != v else v for k, v in row.items()} for row in asked.to_dict("records")]
            answers = ask(url, "/models/risk/predict/batch", {"instances": rows})["predictions"]
            assert [each["prediction"] for each in answers] == risk.predict(asked).tolist()
            answers = ask(url, "/models/sets/predict/batch", {"instances": [{"f0": i} for i in range(12)]})["predictions"]
            assert [each["prediction"] for each in answers] == sets.predict(np.arange(12.0).reshape(-1, 1)).tolist()
            about = ask(url, "/model/info")
            assert (about["runtime"], about["training"]["conversion"]["served_as"]) == ("onnx", "onnx")
        finally:
            stop(server)
        log = (folder / "logs/app.log").read_text()
        # What became of them is known at the second start.
        assert log.count('"conversion.started"') == 2
        assert log.count("sets 1 is served by Python: ") == start + 1
        assert log.count("risk 1 is served as ONNX") == start + 1


