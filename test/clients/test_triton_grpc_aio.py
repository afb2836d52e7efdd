"""Triton's asyncio client over gRPC."""

import asyncio

import numpy as np
import pytest
import tritonclient.grpc.aio as triton
from tritonclient.utils import InferenceServerException

ROW = [17.99, 10.38, 122.8, 1001.0, 0.12]


def floats(rows) -> triton.InferInput:
    values = np.array(rows, np.float32)
    return triton.InferInput("input", list(values.shape), "FP32").set_data_from_numpy(values)


def with_client(server, work):
    async def run():
        async with triton.InferenceServerClient(server.grpc) as client:
            return await work(client)

    return asyncio.run(run())


def test_metadata_readiness_statistics_and_repository(server):
    async def work(client):
        assert await client.is_server_live() and await client.is_server_ready()
        assert await client.is_model_ready("credit")
        assert (await client.get_server_metadata()).name == "slipway"
        assert (await client.get_model_metadata("credit")).inputs[0].name == "input"
        assert (await client.get_model_config("credit")).config.name == "credit"
        assert (await client.get_inference_statistics("credit")).model_stats
        assert (await client.get_model_repository_index()).models

    with_client(server, work)


@pytest.mark.parametrize("algorithm", [None, "gzip", "deflate"])
def test_infers(server, algorithm):
    async def work(client):
        answers = await asyncio.gather(
            *[
                client.infer(
                    "credit",
                    [floats([ROW] * 200)],
                    outputs=[triton.InferRequestedOutput("probabilities")],
                    request_id=str(place),
                    compression_algorithm=algorithm,
                )
                for place in range(8)
            ]
        )
        for place, answer in enumerate(answers):
            assert answer.get_response().id == str(place)
            np.testing.assert_allclose(answer.as_numpy("probabilities")[:, 1], 0.484132379, rtol=1e-5)

    with_client(server, work)


def test_faults_are_named(server):
    async def work(client):
        with pytest.raises(InferenceServerException, match="input has the wrong shape") as caught:
            await client.infer("credit", [floats([[1, 2]])])
        assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"
        with pytest.raises(InferenceServerException, match="no endpoint"):
            await client.infer("nobody", [floats([ROW])])

    with_client(server, work)


def test_streams_requests_and_answers(server):
    async def requests():
        for place in range(40):
            rows = [ROW[:2]] if place == 20 else [ROW]
            yield {"model_name": "credit", "inputs": [floats(rows)], "request_id": str(place)}

    async def work(client):
        got = [answer async for answer in client.stream_infer(requests())]
        for place, (result, error) in enumerate(got):
            if place == 20:
                assert "input has the wrong shape" in error.message()
            else:
                assert result.get_response().id == str(place)
        assert len(got) == 40

    with_client(server, work)


def test_a_stream_can_be_given_up(server):
    async def requests():
        yield {"model_name": "credit", "inputs": [floats([ROW])]}
        await asyncio.Event().wait()

    async def work(client):
        answers = client.stream_infer(requests())
        assert (await answers.__anext__())[1] is None
        assert answers.cancel()
        assert (await client.infer("credit", [floats([ROW])])).as_numpy("label").tolist() == [0]

    with_client(server, work)
