"""Triton's asyncio client, which goes by another HTTP library than the other."""

import asyncio

import numpy as np
import pytest
import tritonclient.http.aio as triton
from tritonclient.utils import InferenceServerException

ROW = [17.99, 10.38, 122.8, 1001.0, 0.12]


def floats(rows, binary: bool = True) -> triton.InferInput:
    values = np.array(rows, np.float32)
    given = triton.InferInput("input", values.shape, "FP32")
    given.set_data_from_numpy(values, binary_data=binary)
    return given


def with_client(server, work):
    async def run():
        async with triton.InferenceServerClient(server.address) as client:
            return await work(client)

    return asyncio.run(run())


def test_metadata_readiness_and_statistics(server):
    async def work(client):
        assert await client.is_server_live() and await client.is_server_ready()
        assert await client.is_model_ready("credit")
        assert (await client.get_model_metadata("credit"))["inputs"][0]["name"] == "input"
        assert (await client.get_model_config("credit"))["name"] == "credit"
        assert (await client.get_inference_statistics("credit"))["model_stats"]
        assert await client.get_model_repository_index()

    with_client(server, work)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("algorithm", [None, "gzip", "deflate"])
def test_infers(server, binary, algorithm):
    async def work(client):
        answers = await asyncio.gather(
            *[
                client.infer(
                    "credit",
                    [floats([ROW] * 200, binary)],
                    outputs=[triton.InferRequestedOutput("probabilities", binary_data=binary)],
                    request_id=str(place),
                    request_compression_algorithm=algorithm,
                    response_compression_algorithm=algorithm,
                )
                for place in range(8)
            ]
        )
        for place, answer in enumerate(answers):
            assert answer.get_response()["id"] == str(place)
            np.testing.assert_allclose(answer.as_numpy("probabilities")[:, 1], 0.484132379, rtol=1e-5)

    with_client(server, work)


def test_faults_are_named(server):
    async def work(client):
        with pytest.raises(InferenceServerException, match="input has the wrong shape") as caught:
            await client.infer("credit", [floats([[1, 2]])])
        assert caught.value.status() == "400"
        with pytest.raises(InferenceServerException, match="no endpoint"):
            await client.infer("nobody", [floats([ROW])])

    with_client(server, work)
