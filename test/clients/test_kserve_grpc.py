"""KServe's client for the V2 protocol over gRPC."""

import asyncio

import grpc
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from kserve.protocol.infer_type import RequestedOutput

from conftest import KEY

ROW = [17.99, 10.38, 122.8, 1001.0, 0.12]


def with_client(address: str, work, **options):
    async def run():
        async with InferenceGRPCClient(address, **options) as client:
            return await work(client)

    return asyncio.run(run())


def given(name: str, values: np.ndarray, datatype: str, binary: bool) -> InferInput:
    tensor = InferInput(name, list(values.shape), datatype)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


def request(values, binary: bool = False, model: str = "credit", **options) -> InferRequest:
    values = np.array(values, np.float32)
    return InferRequest(model_name=model, infer_inputs=[given("input", values, "FP32", binary)], **options)


def refusal(address: str, work, **options) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        with_client(address, work, **options)
    return caught.value


def test_live_and_ready(server, unready_server):
    async def all_well(client):
        assert await client.is_server_live() is True
        assert await client.is_server_ready() is True
        assert await client.is_model_ready("credit") is True

    async def half_well(client):
        assert await client.is_server_live() is True
        assert await client.is_server_ready() is False
        assert await client.is_model_ready("credit") is True
        assert await client.is_model_ready("absent") is False

    with_client(server.grpc, all_well)
    with_client(unready_server.grpc, half_well)
    missing = refusal(server.grpc, lambda client: client.is_model_ready("nobody"))
    assert missing.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("binary", [False, True], ids=["typed", "raw"])
@pytest.mark.parametrize("wanted", [None, ["probabilities"]], ids=["all", "one"])
def test_infers(server, binary, wanted):
    outputs = wanted and [RequestedOutput(name) for name in wanted]
    asked = request([ROW, ROW], binary, request_id="order 7", request_outputs=outputs)
    answer = with_client(server.grpc, lambda client: client.infer(asked))
    assert (answer.id, answer.model_name, answer.model_version) == ("order 7", "credit", "2")
    assert [output.name for output in answer.outputs] == (wanted or ["label", "probabilities"])
    scores = next(output for output in answer.outputs if output.name == "probabilities")
    np.testing.assert_allclose(scores.as_numpy()[:, 1], 0.484132379, rtol=1e-5)
    assert "prediction_ids" in answer.parameters


@pytest.mark.parametrize("binary", [False, True], ids=["typed", "raw"])
def test_texts_come_and_go(server, binary):
    words = given("text", np.array([["é"], [""]], np.object_), "BYTES", binary)
    numbers = given("number", np.array([[1], [2]], np.float32), "FP32", binary)
    asked = InferRequest(model_name="echo", infer_inputs=[words, numbers])
    answer = with_client(server.grpc, lambda client: client.infer(asked))
    echo, doubled = answer.outputs
    assert [word.decode() for word in echo.as_numpy().ravel()] == ["é", ""]
    assert doubled.as_numpy().ravel().tolist() == [2, 4]


def test_half_floats_are_taken(server):
    words = given("text", np.array([["a"]], np.object_), "BYTES", True)
    number = given("number", np.array([[1.5]], np.float16), "FP16", True)
    asked = InferRequest(model_name="echo", infer_inputs=[words, number])
    answer = with_client(server.grpc, lambda client: client.infer(asked))
    assert answer.outputs[1].as_numpy().ravel().tolist() == [3]


def test_many_at_a_time(server):
    async def work(client):
        return await asyncio.gather(*[client.infer(request([ROW], request_id=str(i))) for i in range(50)])

    assert [answer.id for answer in with_client(server.grpc, work)] == [str(i) for i in range(50)]


def test_faults_reach_the_caller_as_status_and_text(server):
    shape = refusal(server.grpc, lambda client: client.infer(request(np.ones((1, 3)))))
    assert shape.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "input has the wrong shape" in shape.details()
    missing = refusal(server.grpc, lambda client: client.infer(request([ROW], model="nobody")))
    assert missing.code() == grpc.StatusCode.NOT_FOUND
    images = given("input", np.zeros((1000, 1, 8, 8), np.float32), "FP32", True)
    slow = InferRequest(model_name="image", infer_inputs=[images])
    late = refusal(server.grpc, lambda client: client.infer(slow, timeout=0.001))
    assert late.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_its_messages_load_and_unload(server):
    """They have the name of the model where Triton's have that of the repository, and read an answer."""
    with grpc.insecure_channel(server.grpc) as channel:
        stub = GRPCInferenceServiceStub(channel)
        loaded = stub.RepositoryModelLoad(messages.RepositoryModelLoadRequest(model_name="spare"))
        assert (loaded.model_name, loaded.isLoaded) == ("spare", True)
        unloaded = stub.RepositoryModelUnload(messages.RepositoryModelUnloadRequest(model_name="spare"))
        assert (unloaded.model_name, unloaded.isUnloaded) == ("spare", True)


def test_over_tls_with_the_key(secure_server):
    secure = {"use_ssl": True, "root_certificates": str(secure_server.authority)}
    answer = with_client(
        secure_server.grpc,
        lambda client: client.infer(request([ROW]), headers=(("authorization", f"Bearer {KEY}"),)),
        **secure,
    )
    assert answer.outputs[0].data == [0]
    without = refusal(secure_server.grpc, lambda client: client.infer(request([ROW])), **secure)
    assert without.code() == grpc.StatusCode.UNAUTHENTICATED
