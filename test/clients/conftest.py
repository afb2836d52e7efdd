"""The built package served as a process of its own, for the protocols' own clients."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from google.protobuf import descriptor_pool

# Triton's and KServe's messages have the same names, and a process has one pool for names: Triton's get their own.
with mock.patch.object(descriptor_pool, "Default", return_value=descriptor_pool.DescriptorPool()):
    import tritonclient.grpc  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "dist/bin.js"
NODE = shutil.which("node")
FIXTURES = ROOT / "test/models/fixtures"

ENDPOINTS = {
    "credit": "xgboost-binary",
    "city": "sklearn-strings-nozipmap",
    "types": "all-numeric-types",
    "echo": "string-output",
    "image": "torch-style-image",
    "wide": "dynamic-width",
}


@dataclass(frozen=True)
class Server:
    """Where it listens: `url` for HTTP clients, `address` for those that want host and port only, `grpc` for the others."""

    url: str
    grpc: str
    process: subprocess.Popen

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")


def slipway(folder: Path, *words: str) -> None:
    subprocess.run([NODE, str(BIN), *words], cwd=folder, check=True, capture_output=True, timeout=120)


def start(folder: Path, config: dict) -> Server:
    (folder / "slipway.yaml").write_text(json.dumps({"grpc": {"enabled": True, "port": 0}, **config}))
    process = subprocess.Popen(
        [NODE, str(BIN), "serve", "--port", "0", "--json"], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    said = json.loads(process.stdout.readline())
    return Server(said["url"], said["grpc"], process)


def stop(server: Server) -> None:
    server.process.terminate()
    assert server.process.wait(60) == 0


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Serves the endpoints above; `spare` and version 1 of `credit` are registered and not loaded."""
    folder = tmp_path_factory.mktemp("served")
    for row in ([17.99, 10.38, 122.8, 1001.0, 0.12], [13.34, 15.86, 86.49, 520.0, 0.11]):
        (folder / "rows.jsonl").write_text(json.dumps({f"f{i}": value for i, value in enumerate(row)}) + "\n")
        location = str(FIXTURES / "xgboost-binary/model.onnx")
        slipway(folder, "models", "register", location, "--name", "credit", "--examples", "rows.jsonl")
    for name, fixture in {**ENDPOINTS, "spare": "sklearn-ridge"}.items():
        if name != "credit":
            slipway(folder, "models", "register", str(FIXTURES / fixture / "model.onnx"), "--name", name)
    endpoints = {name: {"model": name} for name in ENDPOINTS}
    running = start(folder, {"default_endpoint": "credit", "endpoints": endpoints})
    yield running
    stop(running)


@pytest.fixture(scope="session")
def unready_server(tmp_path_factory):
    """One endpoint answers, and another, which is required, cannot."""
    folder = tmp_path_factory.mktemp("unready")
    slipway(folder, "models", "register", str(FIXTURES / "xgboost-binary/model.onnx"), "--name", "credit")
    endpoints = {"credit": {"model": "credit"}, "absent": {"model": "absent"}}
    running = start(folder, {"default_endpoint": "credit", "endpoints": endpoints})
    yield running
    stop(running)


KEY = "a-key-for-the-clients"


@dataclass(frozen=True)
class SecureServer(Server):
    """One that asks for KEY, and whose certificate is in `authority`."""

    authority: Path


@pytest.fixture(scope="session")
def secure_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secure")
    slipway(folder, "models", "register", str(FIXTURES / "xgboost-binary/model.onnx"), "--name", "credit")
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    files = ["-keyout", "key.pem", "-out", "cert.pem", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(["openssl", *made.split(), *files], cwd=folder, check=True, capture_output=True)
    config = {
        "endpoints": {"credit": {"model": "credit"}},
        "server": {"tls": {"cert_file": "cert.pem", "key_file": "key.pem"}},
        "auth": {"api_key": KEY},
    }
    running = start(folder, config)
    yield SecureServer(running.url, running.grpc, running.process, folder / "cert.pem")
    stop(running)


def case(name: str) -> dict:
    """Rows of a fixture, and what the library that made it answers."""
    return json.loads((FIXTURES / name / "case.json").read_text("utf8"))
