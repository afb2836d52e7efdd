"""KServe's client for the V2 protocol over REST."""

import asyncio

import httpx
import numpy as np
import pytest
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput

ROW = [17.99, 10.38, 122.8, 1001.0, 0.12]


def with_client(work):
    async def run():
        async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
            return await work(client)

    return asyncio.run(run())


def request(values: np.ndarray, name: str = "input", binary: bool = False, **options) -> InferRequest:
    given = InferInput(name, list(values.shape), "FP32")
    given.set_data_from_numpy(values, binary_data=binary)
    return InferRequest(model_name="credit", infer_inputs=[given], **options)


def test_live_and_ready(server, unready_server):
    async def work(client):
        assert await client.is_server_live(server.url) is True
        assert await client.is_server_ready(server.url) is True
        assert await client.is_model_ready(server.url, "credit") is True
        assert await client.is_model_ready(server.url, "nobody") is False
        assert await client.is_server_live(unready_server.url) is True
        assert await client.is_model_ready(unready_server.url, "absent") is False
        with pytest.raises(httpx.HTTPStatusError, match="not every required endpoint"):
            await client.is_server_ready(unready_server.url)

    with_client(work)


@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
@pytest.mark.parametrize("wanted", [None, False, True], ids=["all", "json out", "binary out"])
def test_infers(server, binary, wanted):
    outputs = None if wanted is None else [RequestedOutput("probabilities", {"binary_data": wanted})]
    asked = request(np.array([ROW, ROW], np.float32), binary=binary, request_id="order 7", request_outputs=outputs)

    async def work(client):
        return await client.infer(server.url, asked, model_name="credit")

    answer = with_client(work)
    assert (answer.id, answer.model_name) == ("order 7", "credit")
    scores = next(output for output in answer.outputs if output.name == "probabilities")
    np.testing.assert_allclose(scores.as_numpy()[:, 1], 0.484132379, rtol=1e-5)


def test_takes_a_plain_document(server):
    document = {"inputs": [{"name": "input", "shape": [1, 5], "datatype": "FP32", "data": ROW}]}

    async def work(client):
        return await client.infer(server.url, document, model_name="credit")

    assert with_client(work).outputs[0].data == [0]


def test_faults_reach_the_caller_as_text(server):
    async def work(client):
        with pytest.raises(httpx.HTTPStatusError, match="input has the wrong shape") as caught:
            await client.infer(server.url, request(np.ones((1, 3), np.float32)), model_name="credit")
        assert caught.value.response.status_code == 400

    with_client(work)
