"""Runs every block of docs/guides/from-a-dataframe.md, in order, as a newcomer would."""

import json
import os
import re
import shlex
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/guides/from-a-dataframe.md"
NODE = shutil.which("node")


def blocks() -> list[tuple[str, str]]:
    """Language and content of each block of the page."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text("utf8"), re.MULTILINE | re.DOTALL)


def of_language(language: str) -> list[str]:
    return [content for found, content in blocks() if found == language]


def slipway(folder: Path, command: str) -> subprocess.CompletedProcess:
    words = shlex.split(command)
    assert words[0] == "slipway"
    return subprocess.run(
        [NODE, str(ROOT / "dist/bin.js"), *words[1:]], cwd=folder, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("newcomer")


@pytest.fixture(scope="module")
def trained(folder: Path) -> dict:
    """What the Python blocks leave behind, both models trained and saved."""
    (folder / "transform.yaml").write_text(of_language("yaml")[0])
    before = Path.cwd()
    names: dict = {}
    os.chdir(folder)
    try:
        for block in of_language("python"):
            exec(compile(block, PAGE.name, "exec"), names)
    finally:
        os.chdir(before)
    return names


@pytest.fixture(scope="module")
def commands(trained: dict, folder: Path) -> dict[str, subprocess.CompletedProcess]:
    """Every command of the page but `serve` and what needs it, with how it ended."""
    lines = [line for block in of_language("sh") for line in block.splitlines() if line.startswith("slipway ")]
    return {line: slipway(folder, line) for line in lines if not line.startswith("slipway serve")}


def serve(folder: Path, model: str):
    child = subprocess.Popen(
        [NODE, str(ROOT / "dist/bin.js"), "serve", model, "--port", "0", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    return child, json.loads(child.stdout.readline())["url"]


def post(url: str, path: str, body: str) -> tuple[int, dict]:
    request = urllib.request.Request(url + path, body.encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_the_page_has_blocks_of_each_kind():
    assert {language for language, _ in blocks()} == {"sh", "python", "yaml", "ts"}


def test_both_models_learn(trained: dict):
    held_out = trained["held_out"]
    declared = trained["model"].score(trained["transform"].transform(held_out), held_out["outcome"])
    imported = trained["pipeline"].score(held_out, held_out["outcome"])
    majority = held_out["outcome"].value_counts(normalize=True).max()
    assert min(declared, imported) > majority + 0.02


def test_every_command_ends_well(commands: dict):
    assert len(commands) == 4
    for line, ran in commands.items():
        expected = 1 if "transform diff" in line else 0
        assert ran.returncode == expected, f"{line}\n{ran.stdout}{ran.stderr}"


@pytest.mark.parametrize("way", ["declared", "imported"])
def test_serving_answers_what_training_answers(trained: dict, commands: dict, folder: Path, way: str):
    frame = trained["held_out"].drop(columns="outcome")[:200]
    if way == "declared":
        expected = trained["model"].predict_proba(trained["transform"].transform(frame))
    else:
        expected = trained["pipeline"].predict_proba(frame)
        frame = frame.drop(columns="applied_at")
    rows = json.loads(frame.to_json(orient="records", date_format="iso"))
    child, url = serve(folder, "loans@production" if way == "declared" else "loans-imported/1")
    try:
        status, answer = post(url, "/predict/batch", json.dumps({"instances": rows}))
        assert status == 200
        answered = [list(row["probabilities"].values()) for row in answer["predictions"]]
        worst = max(abs(a - e) for ours, theirs in zip(answered, expected) for a, e in zip(ours, theirs))
        assert worst < 1e-5
    finally:
        child.terminate()
        assert child.wait(30) == 0


def test_the_curl_line_is_answered(commands: dict, folder: Path):
    line = next(block for block in of_language("sh") if block.startswith("curl"))
    body = re.search(r"-d '(.*?)'", line).group(1)
    child, url = serve(folder, "loans@production")
    try:
        assert post(url, "/predict", body)[0] == 200
        assert post(url, "/predict", body.replace("31000", "null"))[0] == 200
        status, problem = post(url, "/predict", body.replace("42", "7").replace('"holiday"', "null"))
        assert status == 422
        assert {error["path"] for error in problem["errors"]} == {"age", "purpose"}
    finally:
        child.terminate()
        assert child.wait(30) == 0


def test_code_takes_the_place_of_a_document(trained: dict, folder: Path):
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression

    frame = trained["loans"].dropna()
    ratio = (frame[["income"]].to_numpy() / frame[["age"]].to_numpy()).astype("float32")
    graph = to_onnx(LinearRegression().fit(ratio, frame["age"]), ratio[:1])
    (folder / "coded.onnx").write_bytes(graph.SerializeToString())
    (folder / "transform.ts").write_text(of_language("ts")[0])
    (folder / "coded.jsonl").write_text('{"income": 31000, "age": 42}\n')
    command = "slipway models register ./coded.onnx --transform transform.ts"
    assert "golden examples" in slipway(folder, command).stderr
    ran = slipway(folder, f"{command} --examples coded.jsonl --json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["executes_code"] is True
