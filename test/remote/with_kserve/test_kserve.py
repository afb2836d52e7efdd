"""Endpoints whose models a real KServe server runs, which says nothing of their tensors: a signature beside remote.json does."""

import json
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from served import batch, free_port, request, run, wait_until
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

ROWS = 500
NAMES = ["age", "income", "visits", "debt"]
TENSOR = {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}
MATRIX = {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}
LABELS = {"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}
SIGNATURES = {
    "price": ([MATRIX], [TENSOR]),
    "limit": ([{"name": name, "type": "double"} for name in NAMES], [TENSOR]),
    "churn": ([{"name": name, "type": "double"} for name in NAMES], [LABELS]),
}


def rows(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The models by name, and the folder that KServe has them from."""
    x = rows(300, 1)
    y = x[:, 0] + x[:, 3] ** 2
    table = pd.DataFrame(x, columns=NAMES)
    made = {
        "price": RandomForestRegressor(8, random_state=0).fit(x, y),
        "limit": RandomForestRegressor(8, random_state=1).fit(table, y),
        "churn": RandomForestClassifier(8, random_state=2).fit(table, (y > 1).astype(int)),
    }
    folder = tmp_path_factory.mktemp("kserve")
    for name, model in made.items():
        joblib.dump(model, folder / f"{name}.joblib")
    return made, folder


@pytest.fixture(scope="module")
def kserve(models):
    port = free_port()
    program = Path(__file__).with_name("kserve_models.py")
    with (models[1] / "kserve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, program, str(port), str(models[1])], stdout=log, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"

    def is_ready() -> bool:
        assert process.poll() is None, (models[1] / "kserve.log").read_text()
        try:
            return request(f"{url}/v2/models/churn/ready")[0] == 200
        except OSError:
            return False

    wait_until(is_ready, "KServe is up")
    yield url
    process.terminate()
    process.wait(30)


def artifact(folder: Path, url: str, name: str) -> str:
    inputs, outputs = SIGNATURES[name]
    folder /= name
    folder.mkdir()
    flavor = {"slipway": {"format": "remote", "entry": "remote.json", "flavor": "remote"}}
    signature = {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs)}
    (folder / "MLmodel").write_text(json.dumps({"flavors": flavor, "signature": signature}))
    (folder / "remote.json").write_text(json.dumps({"url": url, "model": name}))
    return str(folder)


@pytest.mark.parametrize("name", SIGNATURES)
def test_answers_what_the_model_answers(models, kserve, slipway, tmp_path, name):
    x = rows(ROWS, 7)
    names = [f"f{i}" for i in range(4)] if name == "price" else NAMES
    ours = batch(slipway(artifact(tmp_path, kserve, name)), pd.DataFrame(x, columns=names).to_dict("records"))
    theirs = models[0][name].predict(x if name == "price" else pd.DataFrame(x, columns=NAMES))
    assert [answer["prediction"] for answer in ours] == theirs.tolist()


def test_without_a_signature_it_is_refused(kserve, tmp_path):
    refused = run(tmp_path, "serve", f"{kserve}/v2/models/price", "--port", "0")
    assert refused.returncode != 0
    assert "does not say what its inputs are" in refused.stderr
