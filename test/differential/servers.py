"""The real scoring server and Slipway on the same model."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NODE = shutil.which("node")
START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def end(child: subprocess.Popen) -> None:
    child.terminate()
    try:
        child.wait(30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def call(url: str, body: bytes | None = None, content_type: str | None = None) -> tuple[int, str, bytes]:
    """Status, content type and body."""
    request = urllib.request.Request(url, body, {} if content_type is None else {"content-type": content_type})
    if body is not None and content_type is None:
        request = BareRequest(url, body)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers.get("content-type", ""), answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers.get("content-type", ""), refused.read()


class BareRequest(urllib.request.Request):
    """urllib adds a content type of its own to a body that has none."""

    def has_header(self, name: str) -> bool:
        return name == "Content-type" or super().has_header(name)


@contextmanager
def mlflow_server(model: Path):
    port = free_port()
    with (model.parent / f"{model.name}.log").open("w") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model)]
            + ["-h", "127.0.0.1", "-p", str(port), "--env-manager", "local"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(url + "/ping", child)
            yield url
        finally:
            end(child)


def wait_for(url: str, child: subprocess.Popen) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert child.poll() is None, f"the server ended with {child.returncode}"
        try:
            if call(url)[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within {START_SECONDS} s")


@contextmanager
def slipway_server(model: Path, folder: Path):
    child = subprocess.Popen(
        [NODE, str(ROOT / "dist/bin.js"), "serve", str(model), "--trust", "--port", "0", "--json"],
        cwd=folder,
        env={**os.environ, "SLIPWAY_PYTHON_INTERPRETER": sys.executable},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = child.stdout.readline()
        assert line, child.stderr.read()
        for stream in (child.stdout, child.stderr):
            threading.Thread(target=stream.read, daemon=True).start()
        yield json.loads(line)["url"]
    finally:
        end(child)
