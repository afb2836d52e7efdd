"""The examples of the reference pages, as they stand there."""

import json
import re
import urllib.request

import pytest
import tritonclient.grpc as triton
from google.protobuf import json_format
from tritonclient.grpc import service_pb2

from conftest import ROOT


def block(page: str, language: str) -> str:
    text = (ROOT / "docs/reference" / page).read_text("utf8")
    return re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)[1]


def body_of(command: str) -> dict:
    return json.loads(re.search(r"-d '(.*?)'", command, re.DOTALL)[1])


def test_python_over_grpc(server, capsys):
    exec(block("grpc.md", "python").replace("localhost:8001", server.grpc), {})
    scores = json.loads(re.sub(r"(\d)\s+(\d)", r"\1, \2", capsys.readouterr().out))
    assert scores[0] == pytest.approx([0.5158676, 0.4841324], rel=1e-5)


def test_grpcurl(server):
    with triton.InferenceServerClient(server.grpc) as client:
        asked = json_format.ParseDict(body_of(block("grpc.md", "sh")), service_pb2.ModelInferRequest())
        answer = client._client_stub.ModelInfer(asked)
    assert answer.outputs[1].contents.fp32_contents[1] == pytest.approx(0.4841324, rel=1e-5)


def test_curl(server):
    command = block("open-inference-protocol.md", "sh")
    path = re.search(r"localhost:8000(\S+)", command)[1]
    headers = dict(header.split(": ") for header in re.findall(r"-H '(.*?)'", command))
    asked = urllib.request.Request(server.url + path, json.dumps(body_of(command)).encode(), headers)
    with urllib.request.urlopen(asked) as answer:
        scores = json.load(answer)["outputs"][1]["data"]
    assert scores[1] == pytest.approx(0.4841324, rel=1e-5)
