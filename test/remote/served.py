"""The built package as these suites call it."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "dist/bin.js"
NODE = shutil.which("node")
UP_SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(url: str, body: object = None, timeout: float = 60) -> tuple[int, dict, dict]:
    """Status, headers and JSON of an answer, whatever the status is."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=timeout) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), json.loads(error.read() or b"{}")


def wait_until(holds, what: str, seconds: float = UP_SECONDS):
    """The first answer of `holds` that is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = holds()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([NODE, str(BIN), *words], cwd=folder, capture_output=True, text=True, timeout=120)


def features(rows) -> list[dict]:
    return [{f"f{i}": value for i, value in enumerate(row)} for row in rows.tolist()]


def batch(url: str, rows: list[dict]) -> list[dict]:
    status, _, answer = request(f"{url}/predict/batch", {"instances": rows})
    assert status == 200, answer
    return answer["predictions"]


def health(url: str) -> dict:
    return request(f"{url}/health")[2]


def answered(url: str, row: dict) -> dict | None:
    status, _, answer = request(f"{url}/predict", row)
    return answer if status == 200 else None
