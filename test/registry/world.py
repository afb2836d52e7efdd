"""A real MLflow server, a real Slipway beside it, models that say which version they are, and a constant load."""

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import mlflow
import numpy as np
import onnx
from cryptography.fernet import Fernet
from mlflow import MlflowClient
from mlflow.models import infer_signature
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
NODE = shutil.which("node")
WIDTH = 3
SECRET = "a webhook secret for tests only"
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "MLFLOW_LOGGING_LEVEL": "ERROR"}
os.environ.update(QUIET)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(ask, seconds: float, what: str):
    """Asks until the answer is true; fails when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def get_json(url: str):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


class MlflowServer:
    """
    `mlflow server` with its own database and artifacts, which outlive it. With an administrator's password it asks who is
    there, and speaks TLS with a certificate of its own.
    """

    def __init__(self, folder: Path, password: str | None = None):
        self.folder = folder
        self.password = password
        self.port = free_port()
        self.url = f"{'http' if password is None else 'https'}://localhost:{self.port}"
        self.key = Fernet.generate_key().decode()
        self.process = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self):
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--workers", "1"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        env = {**os.environ, "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true"}
        env |= {"MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http", "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": self.key}
        # It remembers for a minute which webhooks there are: one that is made now would hear of nothing till then.
        env |= {"MLFLOW_WEBHOOK_CACHE_TTL": "0"}
        if self.password is not None:
            tls = f"--ssl-keyfile {self.folder}/key.pem --ssl-certfile {self.certificate()}"
            command += ["--app-name", "basic-auth", "--uvicorn-opts", tls]
            env |= {"MLFLOW_AUTH_ADMIN_PASSWORD": self.password, "MLFLOW_FLASK_SERVER_SECRET_KEY": "of a test"}
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=env, stdout=log, stderr=log, start_new_session=True
            )
        until(self.answers, 90, f"the start of MLflow, see {self.folder}/server.log,")
        return self

    def certificate(self) -> Path:
        file = self.folder / "certificate.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(self.folder / "key.pem")]
        subprocess.run([*command, "-out", str(file)], check=True, capture_output=True)
        return file

    def answers(self) -> bool:
        try:
            trusting = ssl._create_unverified_context()
            with urllib.request.urlopen(f"{self.url}/health", timeout=2, context=trusting):
                return True
        except OSError:
            return False

    def kill(self):
        """The server and the workers that it started, at once."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Slipway:
    """`slipway serve` on the built package."""

    def __init__(self, folder: Path, *words: str, settings: dict | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        env = {**os.environ, **{f"SLIPWAY_{name}": value for name, value in (settings or {}).items()}}
        command = [NODE, str(ROOT / "dist/bin.js"), "serve", *words, "--port", "0", "--json"]
        self.errors = open(folder / "errors.txt", "ab")
        self.process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        line = self.process.stdout.readline()
        assert line, (folder / "errors.txt").read_text()
        self.url = json.loads(line)["url"]
        self.port = int(self.url.rsplit(":", 1)[1])

    def endpoint(self) -> dict:
        return get_json(f"{self.url}/health")["models"]["default"]

    def health(self) -> dict:
        return get_json(f"{self.url}/health")

    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(60)
        self.process.stdout.close()
        self.errors.close()
        return code


def predict(url: str, features: list[float]) -> float:
    body = json.dumps({"features": features}).encode()
    request = urllib.request.Request(f"{url}/predict", body, {"content-type": "application/json"})
    return get_json(request)["prediction"]


def run_slipway(
    folder: Path, *words: str, tracking: str, env: dict | None = None
) -> subprocess.CompletedProcess:
    return subprocess.run(
        [NODE, str(ROOT / "dist/bin.js"), *words],
        cwd=folder,
        env={**os.environ, "MLFLOW_TRACKING_URI": tracking, **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
    )


def linear_model(number: int, width: int = WIDTH) -> onnx.ModelProto:
    """Sums its inputs and adds the number of its version, so that an answer says who gave it."""
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["sum"]),
        helper.make_node("Add", ["sum", "bias"], ["y"]),
    ]
    weights = [
        numpy_helper.from_array(np.ones((width, 1), np.float32), "weights"),
        numpy_helper.from_array(np.array([number], np.float32), "bias"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, width])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph(nodes, "linear", [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


class Registry:
    """Makes versions on the MLflow server, whole ones and broken ones."""

    def __init__(self, server: MlflowServer, name: str, folder: Path):
        mlflow.set_tracking_uri(server.url)
        self.client = MlflowClient(server.url)
        self.name = name
        self.folder = folder
        self.client.create_registered_model(name)
        self.experiment = self.client.create_experiment(f"experiment-{name}")

    def add(self, number: int, width: int = WIDTH, change=lambda folder: None, tags: dict | None = None) -> str:
        """A version that adds `number`; `change` may spoil its files. Answers with the version's number."""
        folder = self.folder / f"{self.name}-{time.monotonic_ns()}"
        example = np.arange(2 * width, dtype=np.float32).reshape(2, width)
        signature = infer_signature(example, example.sum(axis=1, keepdims=True))
        mlflow.onnx.save_model(
            linear_model(number, width), str(folder), signature=signature, input_example=example, pip_requirements=[]
        )
        change(folder)
        run = self.client.create_run(self.experiment)
        self.client.log_metric(run.info.run_id, "rmse", 0.25)
        self.client.log_param(run.info.run_id, "depth", 3)
        self.client.log_artifacts(run.info.run_id, str(folder), "model")
        self.client.set_terminated(run.info.run_id)
        source = f"{run.info.artifact_uri}/model"
        made = self.client.create_model_version(self.name, source, run.info.run_id, tags=tags)
        return str(made.version)

    def alias(self, version: str, alias: str = "champion"):
        self.client.set_registered_model_alias(self.name, alias, version)

    def stage(self, version: str):
        self.client.transition_model_version_stage(self.name, version, "Production", archive_existing_versions=True)


class Load:
    """Predictions at a constant rate over kept connections; remembers every answer and what was wrong."""

    CONNECTIONS = 6

    def __init__(self, port: int, bias_of: dict[str, int], per_second: int = 300):
        self.port = port
        self.bias_of = bias_of
        self.pause = self.CONNECTIONS / per_second
        self.answered = 0
        self.failures: list[str] = []
        self.versions: set[str] = set()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._send, daemon=True) for _ in range(self.CONNECTIONS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        until(lambda: self.answered > 10, 20, "the first answers")
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def _send(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        body = json.dumps({"features": [1, 2, 3]})
        due = time.monotonic()
        while not self.stopping.is_set():
            due += self.pause
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                connection.request("POST", "/predict", body, {"content-type": "application/json"})
                answer = connection.getresponse()
                self._check(answer.status, answer.read())
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()

    def _check(self, status: int, content: bytes):
        self.answered += 1
        if status != 200:
            self.failures.append(f"{status} {content[:200]!r}")
            return
        answer = json.loads(content)
        version = answer["model_version"]
        self.versions.add(version)
        if answer["prediction"] != 6 + self.bias_of[version]:
            self.failures.append(f"version {version} answered {answer['prediction']}")
