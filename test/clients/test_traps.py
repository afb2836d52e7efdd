"""What clients of the Open Inference Protocol stumble over, each seen in a client's source, byte by byte.

1. KServe's client reads `ready` of one health route and `live` of the other: an empty body, as Triton's, breaks it.
2. Triton's client sends no content type.
3. Triton's client asks for binary outputs where it names none: `binary_data_output`.
4. Triton's client compresses both ways, and the length of the JSON counts what was there before.
5. KServe's client shows the text of an error only under exactly `application/json`, without a charset.
6. Triton's client reports a decoding failure where a refusal is not JSON with an `error`.
7. KServe's V1 client takes a server for alive by `{"status": "alive"}`, and a model for ready by a status of 200.
8. The protocol's own OpenAPI document has only paths with a version; clients use those without. `test_fuzz.py` has both.
"""

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


@pytest.mark.parametrize(("encoding", "inflate"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
def test_4_the_length_of_the_answers_json_does_too(server, encoding, inflate):
    rows = {**BODY["inputs"][0], "shape": [200, 5], "data": BODY["inputs"][0]["data"] * 200}
    asked = json.dumps({"inputs": [rows], "parameters": {"binary_data_output": True}}).encode()
    status, headers, body = infer(server, asked, accept_encoding=encoding)
    assert (status, headers["content-encoding"]) == (200, encoding)
    outputs = json.loads(inflate(body)[: int(headers["inference-header-content-length"])])["outputs"]
    assert [output["shape"] for output in outputs] == [[200], [200, 2]]


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


def test_6_every_refusal_is_json_with_an_error(server, unready_server):
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
    assert {status for status, _, _ in refused} == {400, 404, 405, 415}
    unready = [ask(unready_server, "GET", path) for path in ("/v2/health/ready", "/v2/models/absent/ready")]
    assert [status for status, _, _ in unready] == [503, 503]
    for _, headers, body in refused + unready:
        assert headers["content-type"] == "application/json"
        assert isinstance(json.loads(body)["error"], str)


def test_7_a_server_of_v1_is_alive_ready_and_predicts(server, unready_server):
    status, _, body = ask(server, "GET", "/")
    assert (status, json.loads(body)["status"]) == (200, "alive")
    status, _, body = ask(server, "GET", "/v1/models/credit")
    assert (status, json.loads(body)) == (200, {"name": "credit", "ready": True})
    assert ask(unready_server, "GET", "/v1/models/absent")[0] == 503
    rows = json.dumps({"instances": [BODY["inputs"][0]["data"]]}).encode()
    status, _, body = ask(server, "POST", "/v1/models/credit:predict", rows, content_type="application/json")
    assert (status, json.loads(body)) == (200, {"predictions": [0]})


def test_8_paths_without_a_version_are_served_too(server):
    for path in ("", "/versions/2"):
        assert ask(server, "GET", f"/v2/models/credit{path}")[0] == 200
        assert ask(server, "GET", f"/v2/models/credit{path}/ready")[0] == 200
        assert ask(server, "POST", f"/v2/models/credit{path}/infer", json.dumps(BODY).encode())[0] == 200
