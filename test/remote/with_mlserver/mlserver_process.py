"""A real MLServer in a process of its own, with scikit-learn models that were trained here."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from served import free_port, request, wait_until

COLUMNS = {"age": "FP64", "visits": "INT64", "city": "BYTES"}


def matrix(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, 4))


def people(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": random.uniform(18, 90, rows),
            "visits": random.integers(0, 40, rows),
            "city": random.choice(["Oslo", "Łódź", "São Paulo", ""], rows),
        }
    )


def train_matrix(seed: int = 0):
    """A classifier of three classes over a bare matrix."""
    x = matrix(400, seed)
    return RandomForestClassifier(12, random_state=seed).fit(x, np.digitize(x[:, 0] + x[:, 1] ** 2, [0, 1]))


def train_people():
    """A classifier with labels that are words, over named columns."""
    x = people(400, 1)
    label = np.where((x["age"] > 50) ^ (x["city"] == "Oslo"), "stays", "leaves")
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["city"]), remainder="passthrough")
    return make_pipeline(encode, RandomForestClassifier(12, random_state=1)).fit(x, label)


def train_price():
    x = matrix(400, 2)
    return RandomForestRegressor(12, random_state=2).fit(x, np.exp(x[:, 0]) + x[:, 3])


MATRIX_INPUT = [{"name": "x", "datatype": "FP64", "shape": [-1, 4]}]
MODELS = {
    "flowers": {
        "model": train_matrix,
        "inputs": MATRIX_INPUT,
        "outputs": [
            {"name": "predict", "datatype": "INT64", "shape": [-1]},
            {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 3], "parameters": {"labels": [0, 1, 2]}},
        ],
    },
    "people": {
        "model": train_people,
        "inputs": [
            {
                "name": name,
                "datatype": datatype,
                "shape": [-1, 1],
                **({"parameters": {"content_type": "str"}} if datatype == "BYTES" else {}),
            }
            for name, datatype in COLUMNS.items()
        ],
        "outputs": [
            {"name": "predict", "datatype": "BYTES", "shape": [-1]},
            {
                "name": "predict_proba",
                "datatype": "FP64",
                "shape": [-1, 2],
                "parameters": {"labels": ["leaves", "stays"]},
            },
        ],
        "parameters": {"content_type": "pd"},
    },
    "price": {
        "model": train_price,
        "inputs": MATRIX_INPUT,
        "outputs": [{"name": "predict", "datatype": "FP64", "shape": [-1, 1]}],
    },
    "silent": {"model": train_price},
}


class MlServer:
    """Serves MODELS from a folder; it can be killed, held and started again on the same port."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None
        settings = {
            "debug": False,
            "host": "127.0.0.1",
            "http_port": self.port,
            "grpc_port": free_port(),
            "metrics_port": free_port(),
            "parallel_workers": 0,
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        for name, model in MODELS.items():
            (folder / name).mkdir()
            self.put(name, model["model"]())
            described = {key: value for key, value in model.items() if key in ("inputs", "outputs")}
            parameters = {"uri": "./model.joblib", **model.get("parameters", {})}
            settings = {
                "name": name,
                "implementation": "mlserver_sklearn.SKLearnModel",
                "parameters": parameters,
                **described,
            }
            (folder / name / "model-settings.json").write_text(json.dumps(settings))

    def put(self, name: str, model) -> None:
        joblib.dump(model, self.folder / name / "model.joblib")

    def start(self) -> None:
        program = Path(sys.executable).with_name("mlserver")
        with (self.folder / "mlserver.log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, "start", str(self.folder)],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            )
        wait_until(self.is_ready, "MLServer is up")

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"MLServer ended: {(self.folder / 'mlserver.log').read_text()[-2000:]}")
        try:
            return all(request(f"{self.url}/v2/models/{name}/ready")[0] == 200 for name in MODELS)
        except OSError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def hold(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def release(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def infer(self, name: str, inputs: list[dict], outputs: list[str], **parameters) -> dict[str, list]:
        body = {"inputs": inputs, "outputs": [{"name": output} for output in outputs], **parameters}
        status, _, answer = request(f"{self.url}/v2/models/{name}/infer", body)
        assert status == 200, answer
        return {output["name"]: output["data"] for output in answer["outputs"]}
