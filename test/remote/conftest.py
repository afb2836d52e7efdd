"""Slipway with models that another server runs."""

import json
import subprocess

import pytest
from served import BIN, NODE

REMOTE = {"timeout_ms": 2_000, "connect_timeout_ms": 1_000, "retries": 1, "breaker_failures": 3, "breaker_open_ms": 500}


@pytest.fixture
def slipway(tmp_path):
    """Starts Slipway on a free port, for a URL of a model or with endpoints; answers with its own URL."""
    started = {}

    def start(location: str | None, **config) -> str:
        (tmp_path / "slipway.yaml").write_text(json.dumps({"remote": REMOTE, **config}))
        words = [location] if location is not None else []
        errors = tmp_path / "stderr.log"
        process = subprocess.Popen(
            [NODE, str(BIN), "serve", *words, "--port", "0", "--json"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=errors.open("ab"),
            text=True,
        )
        said = process.stdout.readline()
        assert said, errors.read_text()
        url = json.loads(said)["url"]
        started[url] = process
        return url

    def stop(url: str) -> None:
        process = started.pop(url)
        process.terminate()
        assert process.wait(60) == 0

    start.stop = stop
    yield start
    for url in list(started):
        stop(url)
