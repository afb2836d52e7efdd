"""What clients of the Open Inference Protocol stumble over, each seen in a client's source, byte by byte."""

import gzip
import http.client
import json
import zlib

import pytest

BODY = {"inputs": [{"name": "input", "shape": [1, 5], "datatype": "FP32", "data": [17.99, 10.38, 122.8, 1001.0, 0.12]}]}


def ask(server, method: str, path: str, body: bytes | None = None, **headers: str):
    """One request with these headers and no others: http.client adds no content type of its own."""
    connection = http.client.HTTPConnection(server.address, timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def infer(server, body: bytes = json.dumps(BODY).encode(), **headers: str):
    return ask(server, "POST", "/v2/models/credit/infer", body, **headers)


def test_1_live_and_ready_say_both(server):
    for path in ("/v2/health/live", "/v2/health/ready"):
        status, _, body = ask(server, "GET", path)
        assert (status, json.loads(body)) == (200, {"live": True, "ready": True})


@pytest.mark.parametrize("headers", [{}, {"content_type": "application/octet-stream"}])
def test_2_no_content_type_is_needed(server, headers):
    status, _, body = infer(server, **headers)
    assert status == 200, body


def test_3_all_outputs_are_binary_when_the_request_says_so(server):
    status, headers, body = infer(server, json.dumps({**BODY, "parameters": {"binary_data_output": True}}).encode())
    length = int(headers["inference-header-content-length"])
    outputs = json.loads(body[:length])["outputs"]
    assert status == 200
    assert len(body) == length + sum(output["parameters"]["binary_data_size"] for output in outputs)
    assert all("data" not in output for output in outputs)


@pytest.mark.parametrize(("encoding", "deflate"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_4_the_length_of_the_json_counts_what_was_there_before_compression(server, encoding, deflate):
    document = {"inputs": [{**BODY["inputs"][0], "parameters": {"binary_data_size": 20}}]}
    del document["inputs"][0]["data"]
    head = json.dumps(document).encode()
    sent = deflate(head + b"\0" * 20)
    status, _, body = infer(server, sent, content_encoding=encoding, inference_header_content_length=str(len(head)))
    assert status == 200, body


def test_5_the_content_type_of_json_has_no_charset(server):
    answers = [
        infer(server),
        infer(server, b"{"),
        ask(server, "GET", "/v2/models/nobody"),
        ask(server, "GET", "/v2/nothing"),
        ask(server, "DELETE", "/v2/models/credit"),
        ask(server, "GET", "/v2/models/credit"),
    ]
    assert [status for status, _, _ in answers] == [200, 400, 404, 404, 405, 200]
    assert {headers["content-type"] for _, headers, _ in answers} == {"application/json"}


def test_6_every_refusal_is_json_with_an_error(server):
    refused = [
        infer(server, b""),
        infer(server, b"\xff"),
        infer(server, b"[]"),
        infer(server, content_type="text/plain"),
        infer(server, content_encoding="br"),
        infer(server, b"not gzip", content_encoding="gzip"),
        infer(server, inference_header_content_length="x"),
        ask(server, "POST", "/v2/models/credit/versions/77/infer", json.dumps(BODY).encode()),
        ask(server, "POST", "/v2/repository/models/credit/unload"),
        ask(server, "GET", "/v2/models/%ff"),
        ask(server, "PATCH", "/v2"),
    ]
    for status, _, body in refused:
        assert 400 <= status < 500
        assert isinstance(json.loads(body)["error"], str)


def test_7_a_server_of_v1_is_alive(server):
    status, _, body = ask(server, "GET", "/")
    assert (status, json.loads(body)["status"]) == (200, "alive")


def test_8_paths_without_a_version_are_served_too(server):
    for path in ("", "/versions/2"):
        assert ask(server, "GET", f"/v2/models/credit{path}")[0] == 200
        assert ask(server, "GET", f"/v2/models/credit{path}/ready")[0] == 200
        assert ask(server, "POST", f"/v2/models/credit{path}/infer", json.dumps(BODY).encode())[0] == 200
