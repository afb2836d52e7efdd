"""The SDK of KServe against Slipway, with its V1 protocol."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from kserve import InferenceRESTClient
from kserve.inference_client import RESTConfig
from models import all_models
from servers import slipway_server

MODEL = next(model for model in all_models() if model.name == "classifier-columns")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kserve")
    with slipway_server(MODEL.save(folder), folder) as served:
        yield served


@asynccontextmanager
async def client():
    made = InferenceRESTClient(RESTConfig(protocol="v1", timeout=30))
    try:
        yield made
    finally:
        await made.close()


def ask(call):
    async def run():
        async with client() as made:
            return await call(made)

    return asyncio.run(run())


def name_of(url: str) -> str:
    return httpx.get(url + "/v1/models").json()["models"][0]


def test_it_predicts(url):
    answer = ask(lambda made: made.infer(url, {"instances": MODEL.rows}, model_name=name_of(url)))
    assert [set(answer), len(answer["predictions"])] == [{"predictions"}, len(MODEL.rows)]
    assert set(answer["predictions"]) <= {"low", "high", "top"}


def test_it_sees_what_lives_and_what_is_ready(url):
    assert ask(lambda made: made.is_server_live(url)) is True
    assert ask(lambda made: made.is_model_ready(url, name_of(url))) is True


@pytest.mark.parametrize(
    ("data", "model", "status", "said"),
    [
        ({"instances": [{"area": "large"}]}, None, 400, "rooms is missing"),
        ({"rows": []}, None, 400, 'Expected "instances" to be a list'),
        ({"instances": MODEL.rows}, "nobody", 404, "There is no endpoint"),
    ],
)
def test_it_reads_what_went_wrong(url, data, model, status, said):
    with pytest.raises(httpx.HTTPStatusError, match=said) as refused:
        ask(lambda made: made.infer(url, data, model_name=model or name_of(url)))
    assert refused.value.response.status_code == status
