"""Triton's gRPC client against the Open Inference Protocol as it is served."""

import queue

import grpc
import ml_dtypes
import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from conftest import KEY, case

ROW = [17.99, 10.38, 122.8, 1001.0, 0.12]
SCORE = 0.484132379
"""Of the row above."""


@pytest.fixture(scope="module")
def client(server):
    with triton.InferenceServerClient(server.grpc) as client:
        yield client


@pytest.fixture(scope="module")
def stub(server):
    """The bare service: typed contents are sent by no method of the client."""
    with grpc.insecure_channel(server.grpc) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def tensor(name: str, values: np.ndarray, datatype: str) -> triton.InferInput:
    return triton.InferInput(name, list(values.shape), datatype).set_data_from_numpy(values)


def floats(rows) -> triton.InferInput:
    return tensor("input", np.array(rows, np.float32), "FP32")


def texts(name: str, values: list[str]) -> triton.InferInput:
    return tensor(name, np.array([[value.encode()] for value in values], np.object_), "BYTES")


def typed(name: str, datatype: str, shape: list[int], **contents):
    request = service_pb2.ModelInferRequest
    return request.InferInputTensor(
        name=name, datatype=datatype, shape=shape, contents=service_pb2.InferTensorContents(**contents)
    )


def refusal(call) -> InferenceServerException:
    with pytest.raises(InferenceServerException) as caught:
        call()
    return caught.value


def test_the_server_is_live_and_ready_and_says_what_it_is(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("credit") and client.is_model_ready("credit", "2")
    assert not client.is_model_ready("credit", "1")
    metadata = client.get_server_metadata()
    assert metadata.name == "slipway"
    assert "binary_tensor_data" in metadata.extensions


def test_a_server_that_is_not_ready_says_so(unready_server):
    with triton.InferenceServerClient(unready_server.grpc) as client:
        assert client.is_server_live() and not client.is_server_ready()
        assert client.is_model_ready("credit") and not client.is_model_ready("absent")


def test_metadata_and_configuration_agree(client):
    metadata = client.get_model_metadata("credit", as_json=True)
    config = client.get_model_config("credit", "2", as_json=True)["config"]
    assert metadata["versions"] == ["1", "2"]
    assert metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": ["-1", "5"]}]
    assert config["input"][0]["dims"] == metadata["inputs"][0]["shape"][1:]
    assert config["input"][0]["data_type"] == "TYPE_FP32"
    assert config["max_batch_size"] >= 1


@pytest.mark.parametrize("outputs", [None, ["probabilities"], ["probabilities", "label"]])
def test_answers_what_the_library_that_trained_it_answers(client, outputs):
    known = case("xgboost-binary")
    scores = np.array([list(answer["probabilities"].values()) for answer in known["expected"]])
    holes = [[np.nan if value is None else value for value in row] for row in known["rows"]]
    assert np.isnan(holes).any()
    wanted = outputs and [triton.InferRequestedOutput(name) for name in outputs]
    result = client.infer("credit", [floats(holes)], outputs=wanted)
    np.testing.assert_allclose(result.as_numpy("probabilities"), scores, rtol=1e-5, atol=1e-6)
    assert [output.name for output in result.get_response().outputs] == (outputs or ["label", "probabilities"])


def test_the_id_and_the_version_come_back(client):
    response = client.infer("credit", [floats([ROW])], request_id="order 7").get_response()
    assert (response.id, response.model_name, response.model_version) == ("order 7", "credit", "2")
    assert len(response.parameters["prediction_id"].string_param) == 36
    many = client.infer("credit", [floats([ROW, ROW])], model_version="2").get_response()
    assert len(many.parameters["prediction_ids"].string_param.split(",")) == 2


def test_texts_come_and_go(client):
    words = ["é", "", 'a "quote"\n', "\U0001f6a2"]
    numbers = tensor("number", np.arange(4, dtype=np.float32).reshape(4, 1), "FP32")
    result = client.infer("echo", [texts("text", words), numbers])
    assert [word.decode() for word in result.as_numpy("echo").ravel()] == words
    assert result.as_numpy("doubled").ravel().tolist() == [0, 2, 4, 6]


def test_bytes_that_are_no_text_are_refused_by_name(client):
    bad = tensor("text", np.array([[b"\xff\xfe"]], np.object_), "BYTES")
    number = tensor("number", np.ones((1, 1), np.float32), "FP32")
    assert "text[0] is not UTF-8" in refusal(lambda: client.infer("echo", [bad, number])).message()


KINDS = {
    "FP16": np.float16, "FP32": np.float32, "FP64": np.float64, "BOOL": np.bool_,
    "INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64,
    "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64,
}
CONTENTS = {
    "FP32": "fp32_contents", "FP64": "fp64_contents", "BOOL": "bool_contents",
    "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents", "INT64": "int64_contents",
    "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents", "UINT64": "uint64_contents",
}  # fmt: skip


def test_every_datatype_is_taken_raw(client):
    metadata = client.get_model_metadata("types")
    assert {given.datatype for given in metadata.inputs} <= set(KINDS)
    row = case("all-numeric-types")["rows"][0]
    inputs = [
        tensor(given.name, np.array([[row[given.name]]], KINDS[given.datatype]), given.datatype)
        for given in metadata.inputs
    ]
    answer = client.infer("types", inputs).as_numpy(metadata.outputs[0].name)
    np.testing.assert_allclose(answer.ravel()[0], case("all-numeric-types")["expected"][0]["prediction"], rtol=1e-3)


def test_every_datatype_is_taken_typed_where_there_is_a_field(client, stub):
    """FP16 has none: a number that fits may be sent as any other float."""
    metadata = client.get_model_metadata("types")
    row = case("all-numeric-types")["rows"][0]
    inputs = []
    for given in metadata.inputs:
        datatype = "FP32" if given.datatype == "FP16" else given.datatype
        value = KINDS[given.datatype](row[given.name]).item()
        inputs.append(typed(given.name, datatype, [1, 1], **{CONTENTS[datatype]: [value]}))
    answer = stub.ModelInfer(service_pb2.ModelInferRequest(model_name="types", inputs=inputs))
    expected = case("all-numeric-types")["expected"][0]["prediction"]
    contents = getattr(answer.outputs[0].contents, CONTENTS[answer.outputs[0].datatype])
    np.testing.assert_allclose(contents[0], expected, rtol=1e-3)


def test_typed_contents_are_answered_with_typed_contents(stub):
    columns = [typed(f"f{place}", "FP32", [1, 1], fp32_contents=[value]) for place, value in enumerate(ROW)]
    answer = stub.ModelInfer(service_pb2.ModelInferRequest(model_name="credit", inputs=columns))
    label, scores = answer.outputs
    assert list(label.contents.int64_contents) == [0]
    np.testing.assert_allclose(scores.contents.fp32_contents[1], SCORE, rtol=1e-5)
    assert not answer.raw_output_contents
    words = typed("text", "BYTES", [2, 1], bytes_contents=["Łódź".encode(), b""])
    number = typed("number", "FP32", [2, 1], fp32_contents=[1, 2])
    answer = stub.ModelInfer(service_pb2.ModelInferRequest(model_name="echo", inputs=[words, number]))
    assert list(answer.outputs[0].contents.bytes_contents) == ["Łódź".encode(), b""]


@pytest.mark.parametrize(
    ("inputs", "raw", "message"),
    [
        ([typed("input", "FP32", [1, 5], fp32_contents=ROW)], [b"\0" * 20], "beside raw_input_contents"),
        ([typed("input", "FP32", [1, 5], fp64_contents=ROW)], [], "fp64_contents; those of FP32 belong in fp32_contents"),
        ([typed("input", "FP16", [1, 5], fp32_contents=ROW)], [], "travels in raw_input_contents only"),
        ([typed("input", "FP32", [1, 5], fp32_contents=ROW[:4])], [], "has 4 values, and its shape [1, 5] says 5"),
        ([typed("input", "FP32", [1, 5])], [b"\0" * 19], "no whole number of FP32 elements"),
        ([typed("input", "FP32", [1, 5])], [b"\0" * 20] * 2, "2 entries for 1 inputs"),
        ([typed("input", "FP32", [-1, 5])], [b"\0" * 20], "negative"),
        ([typed("input", "FP32", [2**62, 5])], [b"\0" * 20], "no whole number"),
        ([typed("input", "NONE", [1, 5])], [b"\0" * 20], "unknown datatype"),
        ([typed("f0", "INT8", [1], int_contents=[300])], [], "a value that is no INT8"),
    ],
)
def test_contents_that_contradict_themselves_are_named(stub, inputs, raw, message):
    request = service_pb2.ModelInferRequest(model_name="credit", inputs=inputs, raw_input_contents=raw)
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert message in caught.value.details()


def test_brain_floats_are_taken(client):
    given = tensor("number", np.array([[1.5]], ml_dtypes.bfloat16), "BF16")
    assert client.infer("echo", [texts("text", ["a"]), given]).as_numpy("doubled").tolist() == [3]


def test_half_floats_are_taken(client):
    given = tensor("number", np.array([[1.5]], np.float16), "FP16")
    assert client.infer("echo", [texts("text", ["a"]), given]).as_numpy("doubled").tolist() == [3]


def test_images_and_open_dimensions(client):
    image = case("torch-style-image")
    pixels = np.array([row["input"] for row in image["rows"][:3]], np.float32)
    scores = np.array([list(answer["probabilities"].values()) for answer in image["expected"][:3]])
    answered = client.infer("image", [tensor("input", pixels, "FP32")]).as_numpy("output")
    np.testing.assert_allclose(answered, scores, rtol=1e-4, atol=1e-5)
    assert client.infer("wide", [floats([[1, 2, 3, 6]])]).as_numpy("mean").ravel().tolist() == [3]


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compressed_requests(client, algorithm):
    rows = np.tile(np.array(ROW, np.float32), (400, 1))
    result = client.infer("credit", [floats(rows)], compression_algorithm=algorithm)
    np.testing.assert_allclose(result.as_numpy("probabilities")[:, 1], np.full(400, SCORE), rtol=1e-5)


def test_classes_are_named(client):
    rows = [
        tensor("age", np.array([[41.5], [30]], np.float32), "FP32"),
        tensor("income", np.array([[11152.81], [20000]], np.float32), "FP32"),
        texts("city", ["Łódź", "Oslo"]),
        texts("plan", ["plus", "basic"]),
    ]
    outputs = [triton.InferRequestedOutput("probabilities", class_count=2)]
    answer = client.infer("city", rows, outputs=outputs).as_numpy("probabilities")
    assert answer.shape == (2, 2)
    for row in answer:
        values, places, labels = zip(*[text.decode().split(":") for text in row])
        assert float(values[0]) >= float(values[1])
        assert set(places) == {"0", "1"} and len(set(labels)) == 2


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
    assert error.status() == "StatusCode.INVALID_ARGUMENT"
    assert message in error.message()


def test_unknown_things_are_not_found(client):
    for call in (
        lambda: client.infer("nobody", [floats([ROW])]),
        lambda: client.infer("credit", [floats([ROW])], model_version="9"),
        lambda: client.is_model_ready("nobody"),
        lambda: client.get_model_metadata("nobody"),
        lambda: client.get_model_config("nobody"),
        lambda: client.get_inference_statistics("nobody"),
        lambda: client.load_model("nobody"),
    ):
        assert refusal(call).status() == "StatusCode.NOT_FOUND"
    wrong = refusal(lambda: client.infer("credit", [floats([ROW])], outputs=[triton.InferRequestedOutput("x")]))
    assert "x is not an output of this model" in wrong.message()


def test_what_is_not_there_says_what_to_do_instead(client):
    for call, message in (
        (client.get_trace_settings, "traceparent"),
        (client.get_log_settings, "logging.level"),
        (client.get_system_shared_memory_status, "send tensors in the message"),
        (client.get_cuda_shared_memory_status, "send tensors in the message"),
        (lambda: client.register_system_shared_memory("region", "/key", 64), "send tensors in the message"),
    ):
        error = refusal(call)
        assert error.status() == "StatusCode.UNIMPLEMENTED"
        assert message in error.message()
    given = triton.InferInput("input", [1, 5], "FP32").set_shared_memory("region", 20)
    assert "input has its data in shared memory" in refusal(lambda: client.infer("credit", [given])).message()
    wanted = triton.InferRequestedOutput("label")
    wanted.set_shared_memory("region", 8)
    error = refusal(lambda: client.infer("credit", [floats([ROW])], outputs=[wanted]))
    assert "label is asked for in shared memory" in error.message()


def test_a_call_that_takes_too_long_ends_at_its_deadline(client):
    """A thousand images are more than a millisecond's work."""
    images = tensor("input", np.zeros((1000, 1, 8, 8), np.float32), "FP32")
    late = refusal(lambda: client.infer("image", [images], client_timeout=0.001))
    assert late.status() == "StatusCode.DEADLINE_EXCEEDED"
    assert client.infer("credit", [floats([ROW])], client_timeout=30).as_numpy("label").tolist() == [0]


def test_the_repository(client):
    def states() -> dict[str, str]:
        return {f"{entry.name}/{entry.version}": entry.state for entry in client.get_model_repository_index().models}

    assert states()["spare/1"] == "UNAVAILABLE"
    ones = tensor("X", np.ones((1, 10), np.float32), "FP32")
    assert refusal(lambda: client.infer("spare", [ones])).status() == "StatusCode.NOT_FOUND"
    client.load_model("spare")
    assert states()["spare/1"] == "READY"
    assert client.infer("spare", [ones]).as_numpy("variable").shape == (1, 1)
    client.unload_model("spare")
    assert states()["spare/1"] == "UNAVAILABLE"
    assert refusal(lambda: client.unload_model("credit")).status() == "StatusCode.FAILED_PRECONDITION"
    assert "parameters.config is not supported" in refusal(lambda: client.load_model("spare", config="{}")).message()


def test_statistics_count(client):
    def read():
        (only,) = client.get_inference_statistics("image").model_stats
        return only

    before = read()
    client.infer("image", [tensor("input", np.zeros((3, 1, 8, 8), np.float32), "FP32")])
    refusal(lambda: client.infer("image", [tensor("input", np.zeros((3, 8, 8), np.float32), "FP32")]))
    after = read()
    assert after.inference_count - before.inference_count == 3
    assert after.execution_count - before.execution_count == 1
    assert after.inference_stats.success.count - before.inference_stats.success.count == 1
    assert after.inference_stats.fail.count - before.inference_stats.fail.count == 1
    assert after.inference_stats.compute_infer.ns > before.inference_stats.compute_infer.ns
    assert {entry.name for entry in client.get_inference_statistics().model_stats} >= {"credit", "image"}


def test_several_at_a_time_by_callback(client):
    answers = queue.Queue()
    for i in range(64):
        client.async_infer(
            "credit" if i % 8 else "nobody",
            [floats([[17.99 + i, *ROW[1:]]])],
            callback=lambda result, error, i=i: answers.put((i, result, error)),
        )
    for i, result, error in sorted((answers.get(timeout=30) for _ in range(64)), key=lambda answer: answer[0]):
        if i % 8 == 0:
            assert error.status() == "StatusCode.NOT_FOUND"
            continue
        alone = client.infer("credit", [floats([[17.99 + i, *ROW[1:]]])])
        np.testing.assert_allclose(result.as_numpy("probabilities"), alone.as_numpy("probabilities"), rtol=1e-5)


@pytest.mark.parametrize("algorithm", [None, "gzip", "deflate"])
def test_a_stream_answers_each_request_in_order(server, algorithm):
    answers = queue.Queue()
    with triton.InferenceServerClient(server.grpc) as client:
        client.start_stream(
            callback=lambda result, error: answers.put((result, error)), compression_algorithm=algorithm
        )
        for i in range(100):
            model, rows = ("nobody", [ROW]) if i == 50 else ("credit", [ROW] * (i % 5 + 1))
            client.async_stream_infer(
                model, [floats(rows)], request_id=str(i), enable_empty_final_response=i % 2 == 0
            )
        got = [answers.get(timeout=30) for _ in range(100)]
        client.stop_stream()
    assert answers.empty()
    for i, (result, error) in enumerate(got):
        if i == 50:
            assert "no endpoint" in error.message()
            continue
        response = result.get_response()
        assert (error, response.id) == (None, str(i))
        assert response.parameters["triton_final_response"].bool_param is True
        np.testing.assert_allclose(result.as_numpy("probabilities")[:, 1], [SCORE] * (i % 5 + 1), rtol=1e-5)


def test_a_stream_that_is_given_up_leaves_the_others_alone(server, client):
    answers = queue.Queue()
    with triton.InferenceServerClient(server.grpc) as other:
        other.start_stream(callback=lambda result, error: answers.put((result, error)))
        for _ in range(200):
            other.async_stream_infer("image", [tensor("input", np.zeros((50, 1, 8, 8), np.float32), "FP32")])
        answers.get(timeout=30)
        other.stop_stream(cancel_requests=True)
    assert client.infer("image", [tensor("input", np.zeros((1, 1, 8, 8), np.float32), "FP32")]).as_numpy("output").size


def test_over_tls_with_the_key(secure_server):
    authority = str(secure_server.authority)
    with triton.InferenceServerClient(secure_server.grpc, ssl=True, root_certificates=authority) as client:
        assert client.is_server_ready()
        assert refusal(lambda: client.infer("credit", [floats([ROW])])).status() == "StatusCode.UNAUTHENTICATED"
        given = {"authorization": f"Bearer {KEY}"}
        assert client.infer("credit", [floats([ROW])], headers=given).as_numpy("label").tolist() == [0]
        client.load_model("credit", headers={"x-api-key": KEY})
    with triton.InferenceServerClient(secure_server.grpc) as client:
        assert refusal(client.is_server_live).status() == "StatusCode.UNAVAILABLE"
