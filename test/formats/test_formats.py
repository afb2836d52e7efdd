"""Each format, served as a user would, answers what its own library answers."""

import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml
from models import Format, all_formats

sys.path.insert(0, str(Path(__file__).parents[1] / "differential"))
from servers import NODE, ROOT, call, end  # noqa: E402

FORMATS = {each.name: each for each in all_formats()}


@pytest.fixture(scope="session")
def url(tmp_path_factory):
    """One server with an endpoint a format."""
    folder = tmp_path_factory.mktemp("formats")
    endpoints = {}
    for each in FORMATS.values():
        (folder / each.name).mkdir()
        endpoints[each.name] = {"model": str(each.save(folder / each.name))}
    config = {
        "default_endpoint": next(iter(endpoints)),
        "endpoints": endpoints,
        "python": {"interpreter": sys.executable, "trusted": ["embedded"]},
    }
    (folder / "slipway.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    child = subprocess.Popen(
        [NODE, str(ROOT / "dist/bin.js"), "serve", "--port", "0", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    try:
        line = child.stdout.readline()
        assert line, child.stderr.read()
        for stream in (child.stdout, child.stderr):
            threading.Thread(target=stream.read, daemon=True).start()
        yield json.loads(line)["url"]
    finally:
        end(child)


def answers(url: str, each: Format) -> list[dict]:
    rows = [{name: jsonable(value) for name, value in row.items()} for row in each.rows.to_dict("records")]
    body = json.dumps({"instances": rows}).encode()
    status, _, text = call(f"{url}/models/{each.name}/predict/batch", body, "application/json")
    assert status == 200, text
    return json.loads(text)["predictions"]


def jsonable(value):
    return None if isinstance(value, float) and math.isnan(value) else value


@pytest.mark.parametrize("name", FORMATS)
def test_answers_what_the_library_answers(url, name):
    each = FORMATS[name]
    found = answers(url, each)
    assert len(found) == len(each.rows)
    predictions = [answer.get("prediction", answer.get("error")) for answer in found]
    if each.probabilities is None:
        np.testing.assert_allclose(predictions, each.predictions, rtol=each.tolerance, atol=each.tolerance)
        return
    assert predictions == each.predictions.tolist()
    shown = [[answer["probabilities"][str(label)] for label in each.labels] for answer in found]
    np.testing.assert_allclose(shown, each.probabilities, rtol=each.tolerance, atol=each.tolerance)


def test_one_row_is_answered_as_one_of_many(url):
    each = FORMATS["pickle"]
    row = {name: jsonable(value) for name, value in each.rows.iloc[7].to_dict().items()}
    row["age"] = int(row["age"])
    status, _, text = call(f"{url}/models/pickle/predict", json.dumps(row).encode(), "application/json")
    assert status == 200, text
    assert json.loads(text)["prediction"] == each.predictions[7]


def test_a_parameter_is_a_field_that_may_be_left_out(url):
    row = {"age": 30, "income": 5.0, "factor": 2.0}
    status, _, text = call(f"{url}/models/mlflow-python-model/predict", json.dumps(row).encode(), "application/json")
    assert (status, json.loads(text)["prediction"]) == (200, 65.0)
    del row["factor"]
    status, _, text = call(f"{url}/models/mlflow-python-model/predict", json.dumps(row).encode(), "application/json")
    assert (status, json.loads(text)["prediction"]) == (200, 35.0)


def test_a_row_that_does_not_fit_is_refused_before_python_sees_it(url):
    status, _, text = call(f"{url}/models/pickle/predict", b'{"age": "old", "income": 1}', "application/json")
    assert status == 422
    assert {problem["path"] for problem in json.loads(text)["errors"]} == {"age", "city"}


def test_says_what_executes_code(url):
    served = json.loads(call(f"{url}/health")[2])["models"]

    def executes(name: str) -> bool:
        versions = json.loads(call(f"{url}/models/{name}")[2])["versions"]
        return next(each["executes_code"] for each in versions if each["version"] == served[name]["version"])

    names = ("pickle", "xgboost-json", "lightgbm-txt", "mlflow-sklearn")
    assert {name: executes(name) for name in names} == {"pickle": True, "xgboost-json": False, "lightgbm-txt": False, "mlflow-sklearn": True}


@pytest.mark.parametrize("name", ["pickle", "mlflow-sklearn", "feature-transformer"])
def test_code_that_nobody_trusts_is_not_loaded(tmp_path, name):
    path = FORMATS[name].save(tmp_path)
    ran = subprocess.run(
        [NODE, str(ROOT / "dist/bin.js"), "serve", str(path), "--port", "0", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode != 0
    assert json.loads(ran.stderr)["error"]["code"] == "UNTRUSTED_CODE"
    assert "--trust" in ran.stderr
