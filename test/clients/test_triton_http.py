"""Triton's HTTP client against the Open Inference Protocol as it is served."""

import gzip
import json
import zlib

import ml_dtypes
import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from conftest import case

ROW = [17.99, 10.38, 122.8, 1001.0, 0.12]


@pytest.fixture(scope="module")
def client(server):
    with triton.InferenceServerClient(server.address) as client:
        yield client


def tensor(name: str, values: np.ndarray, datatype: str, binary: bool = True) -> triton.InferInput:
    given = triton.InferInput(name, values.shape, datatype)
    given.set_data_from_numpy(values, binary_data=binary)
    return given


def floats(rows, binary: bool = True) -> triton.InferInput:
    return tensor("input", np.array(rows, np.float32), "FP32", binary)


def texts(name: str, values: list[str], binary: bool = True) -> triton.InferInput:
    return tensor(name, np.array([[value.encode()] for value in values], np.object_), "BYTES", binary)


def refusal(call) -> InferenceServerException:
    with pytest.raises(InferenceServerException) as caught:
        call()
    return caught.value


def expected_scores(name: str) -> tuple[list, np.ndarray]:
    known = case(name)
    return known["rows"], np.array([list(answer["probabilities"].values()) for answer in known["expected"]])


def test_the_server_is_live_and_ready_and_says_what_it_is(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("credit") and client.is_model_ready("credit", "2")
    assert not client.is_model_ready("credit", "1") and not client.is_model_ready("nobody")
    metadata = client.get_server_metadata()
    assert metadata["name"] == "slipway"
    assert "binary_tensor_data" in metadata["extensions"]


def test_a_server_that_is_not_ready_says_so(unready_server):
    with triton.InferenceServerClient(unready_server.address) as client:
        assert client.is_server_live() and not client.is_server_ready()
        assert client.is_model_ready("credit") and not client.is_model_ready("absent")


def test_metadata_and_configuration_agree(client):
    metadata = client.get_model_metadata("credit")
    config = client.get_model_config("credit", "2")
    assert metadata["versions"] == ["1", "2"]
    assert [(t["name"], t["datatype"], t["shape"]) for t in metadata["inputs"]] == [("input", "FP32", [-1, 5])]
    assert config["input"][0]["dims"] == metadata["inputs"][0]["shape"][1:]
    assert config["input"][0]["data_type"] == "TYPE_FP32"
    assert config["max_batch_size"] >= 1


@pytest.mark.parametrize("sent", [True, False], ids=["binary in", "json in"])
@pytest.mark.parametrize("answered", [None, True, False], ids=["all out", "binary out", "json out"])
def test_answers_what_the_library_that_trained_it_answers(client, sent, answered):
    rows, scores = expected_scores("xgboost-binary")
    keep = [i for i, row in enumerate(rows) if None not in row]
    outputs = None if answered is None else [triton.InferRequestedOutput("probabilities", binary_data=answered)]
    result = client.infer("credit", [floats([rows[i] for i in keep], sent)], outputs=outputs)
    np.testing.assert_allclose(result.as_numpy("probabilities"), scores[keep], rtol=1e-5, atol=1e-6)
    assert (result.as_numpy("label") is None) == (answered is not None)


def test_nan_is_a_missing_value(client):
    rows, scores = expected_scores("xgboost-binary")
    holes = [[np.nan if value is None else value for value in row] for row in rows]
    assert np.isnan(holes).any()
    result = client.infer("credit", [floats(holes)])
    np.testing.assert_allclose(result.as_numpy("probabilities"), scores, rtol=1e-5, atol=1e-6)


def test_the_id_and_the_version_come_back(client):
    response = client.infer("credit", [floats([ROW])], request_id="order 7").get_response()
    assert (response["id"], response["model_name"], response["model_version"]) == ("order 7", "credit", "2")
    assert len(response["parameters"]["prediction_id"]) == 36
    many = client.infer("credit", [floats([ROW, ROW])], model_version="2").get_response()
    assert len(many["parameters"]["prediction_ids"].split(",")) == 2


@pytest.mark.parametrize("binary", [True, False])
def test_texts_come_and_go(client, binary):
    words = ["é", "", 'a "quote"\n', "\U0001f6a2"]
    numbers = tensor("number", np.arange(4, dtype=np.float32).reshape(4, 1), "FP32", binary)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("echo", "doubled")]
    result = client.infer("echo", [texts("text", words, binary), numbers], outputs=outputs)
    echoed = [word.decode() if isinstance(word, bytes) else word for word in result.as_numpy("echo")]
    assert echoed == words
    assert result.as_numpy("doubled").tolist() == [0, 2, 4, 6]


def test_bytes_that_are_no_text_are_refused_by_name(client):
    bad = tensor("text", np.array([[b"\xff\xfe"]], np.object_), "BYTES")
    number = tensor("number", np.ones((1, 1), np.float32), "FP32")
    assert "text[0] is not UTF-8" in refusal(lambda: client.infer("echo", [bad, number])).message()


def test_every_datatype_is_taken(client):
    metadata = client.get_model_metadata("types")
    kinds = {
        "FP16": np.float16, "FP32": np.float32, "FP64": np.float64, "BOOL": np.bool_,
        "INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64,
        "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64,
    }
    assert {given["datatype"] for given in metadata["inputs"]} <= set(kinds)
    row = case("all-numeric-types")["rows"][0]
    expected = case("all-numeric-types")["expected"][0]["prediction"]
    name = metadata["outputs"][0]["name"]
    for binary in (True, False):
        inputs = [
            tensor(
                given["name"],
                np.array([[row[given["name"]]]], kinds[given["datatype"]]),
                given["datatype"],
                binary or given["datatype"] == "FP16",
            )
            for given in metadata["inputs"]
        ]
        answer = client.infer("types", inputs).as_numpy(name)
        np.testing.assert_allclose(answer.ravel()[0], expected, rtol=1e-3)


def test_brain_floats_are_taken(client):
    given = triton.InferInput("number", [1, 1], "BF16")
    given.set_data_from_numpy(np.array([[1.5]], ml_dtypes.bfloat16))
    assert client.infer("echo", [texts("text", ["a"]), given]).as_numpy("doubled").tolist() == [3]


def test_images_and_open_dimensions(client):
    image = case("torch-style-image")
    pixels = np.array([row["input"] for row in image["rows"][:3]], np.float32)
    scores = np.array([list(answer["probabilities"].values()) for answer in image["expected"][:3]])
    answered = client.infer("image", [tensor("input", pixels, "FP32")]).as_numpy("output")
    np.testing.assert_allclose(answered, scores, rtol=1e-4, atol=1e-5)
    wide = client.infer("wide", [floats([[1, 2, 3, 6]])]).as_numpy("mean")
    assert wide.ravel().tolist() == [3]


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compression_both_ways(client, algorithm):
    rows = np.tile(np.array(ROW, np.float32), (400, 1))
    result = client.infer(
        "credit",
        [floats(rows)],
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )
    assert result.as_numpy("probabilities").shape == (400, 2)


@pytest.mark.parametrize("inflate", [gzip.decompress, zlib.decompress], ids=["gzip", "deflate"])
def test_a_large_answer_is_compressed_indeed(client, inflate):
    body, length = client.generate_request_body([floats(np.tile(np.array(ROW, np.float32), (400, 1)))])
    encoding = "gzip" if inflate is gzip.decompress else "deflate"
    headers = {"Inference-Header-Content-Length": length, "Accept-Encoding": encoding}
    answer = client._post("v2/models/credit/infer", body, headers, None)
    assert answer.get("Content-Encoding") == encoding
    content = inflate(answer.read())
    json.loads(content[: int(answer.get("Inference-Header-Content-Length"))])


def test_a_raw_body_is_one_row(client):
    raw = {"Inference-Header-Content-Length": 0}
    answer = client._post("v2/models/credit/infer", np.array(ROW, np.float32).tobytes(), raw, None)
    result = triton.InferResult(answer, False)
    np.testing.assert_allclose(result.as_numpy("probabilities")[0, 1], 0.484132379, rtol=1e-5)


def test_classes_are_named(client):
    outputs = [triton.InferRequestedOutput("probabilities", class_count=2)]
    answer = client.infer("city", city_rows(), outputs=outputs).as_numpy("probabilities")
    assert answer.shape == (2, 2)
    for row in answer:
        values, places, labels = zip(*[text.decode().split(":") for text in row])
        assert float(values[0]) >= float(values[1])
        assert set(places) == {"0", "1"} and len(set(labels)) == 2


def city_rows() -> list[triton.InferInput]:
    return [
        tensor("age", np.array([[41.5], [30]], np.float32), "FP32"),
        tensor("income", np.array([[11152.81], [20000]], np.float32), "FP32"),
        texts("city", ["Łódź", "Oslo"]),
        texts("plan", ["plus", "basic"]),
    ]


def test_parameters_that_triton_knows_change_nothing(client):
    result = client.infer("credit", [floats([ROW])], sequence_id=7, priority=1, timeout=5_000_000)
    assert result.as_numpy("label").tolist() == [0]
    assert client.infer("credit", [floats([ROW])], parameters={"mine": 1}).as_numpy("label").tolist() == [0]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (lambda: [floats([[1, 2, 3]])], "input has the wrong shape (takes [-1, 5], got [1, 3])"),
        (lambda: [floats([ROW]), floats([ROW])], "input has values of inputs that are there"),
        (lambda: [tensor("other", np.ones((1, 5), np.float32), "FP32")], "other is not an input of this model"),
        (lambda: [texts("input", ["a"])], "input has the wrong datatype"),
        (lambda: [], "input is missing"),
    ],
)
def test_faults_are_named(client, inputs, message):
    error = refusal(lambda: client.infer("credit", inputs()))
    assert error.status() == "400"
    assert message in error.message()


def test_unknown_things_are_not_found(client):
    for call in (
        lambda: client.infer("nobody", [floats([ROW])]),
        lambda: client.infer("credit", [floats([ROW])], model_version="9"),
        lambda: client.get_model_metadata("nobody"),
        lambda: client.get_model_config("nobody"),
        lambda: client.get_inference_statistics("nobody"),
        lambda: client.load_model("nobody"),
    ):
        assert refusal(call).status() == "404"
    wrong = refusal(lambda: client.infer("credit", [floats([ROW])], outputs=[triton.InferRequestedOutput("x")]))
    assert "x is not an output of this model" in wrong.message()


def test_shared_memory_is_refused_by_name(client):
    given = triton.InferInput("input", [1, 5], "FP32")
    given.set_shared_memory("region", 20)
    error = refusal(lambda: client.infer("credit", [given]))
    assert "input has its data in shared memory" in error.message()


def test_the_repository(client):
    def states() -> dict[str, str]:
        return {f"{entry['name']}/{entry['version']}": entry["state"] for entry in client.get_model_repository_index()}

    assert states()["spare/1"] == "UNAVAILABLE"
    ones = tensor("X", np.ones((1, 10), np.float32), "FP32")
    assert refusal(lambda: client.infer("spare", [ones])).status() == "404"
    client.load_model("spare")
    assert states()["spare/1"] == "READY"
    assert client.infer("spare", [ones]).as_numpy("variable").shape == (1, 1)
    client.unload_model("spare")
    assert states()["spare/1"] == "UNAVAILABLE"
    assert refusal(lambda: client.unload_model("credit")).status() == "400"
    assert "config cannot be given" in refusal(lambda: client.load_model("spare", config="{}")).message()


def test_statistics_count(client):
    def read() -> dict:
        (only,) = client.get_inference_statistics("image")["model_stats"]
        return only

    before = read()
    client.infer("image", [tensor("input", np.zeros((3, 1, 8, 8), np.float32), "FP32")])
    refusal(lambda: client.infer("image", [tensor("input", np.zeros((3, 8, 8), np.float32), "FP32")]))
    after = read()
    assert after["inference_count"] - before["inference_count"] == 3
    assert after["execution_count"] - before["execution_count"] == 1
    assert after["inference_stats"]["success"]["count"] - before["inference_stats"]["success"]["count"] == 1
    assert after["inference_stats"]["fail"]["count"] - before["inference_stats"]["fail"]["count"] == 1
    assert {entry["name"] for entry in client.get_inference_statistics()["model_stats"]} >= {"credit", "image"}


def test_several_at_a_time(server):
    with triton.InferenceServerClient(server.address, concurrency=8) as client:
        asked = [client.async_infer("credit", [floats([[17.99 + i, *ROW[1:]]])]) for i in range(64)]
        together = [answer.get_result().as_numpy("probabilities")[0, 1] for answer in asked]
        alone = [
            client.infer("credit", [floats([[17.99 + i, *ROW[1:]]])]).as_numpy("probabilities")[0, 1]
            for i in range(64)
        ]
    np.testing.assert_allclose(together, alone, rtol=1e-5)
