"""Endpoints of a served Slipway whose models a real MLServer runs."""

import json
import threading

import pytest
from mlserver_process import COLUMNS, MlServer, matrix, people, train_matrix
from served import ROOT, answered, batch, features, health, request, run, wait_until

ROWS = 500


@pytest.fixture(scope="session")
def mlserver(tmp_path_factory):
    server = MlServer(tmp_path_factory.mktemp("mlserver"))
    server.start()
    yield server
    server.kill()


def matrix_input(rows) -> list[dict]:
    return [{"name": "x", "datatype": "FP64", "shape": list(rows.shape), "data": rows.ravel().tolist()}]


class TestAnswers:
    """The same as those of MLServer itself, to the last bit."""

    def test_of_a_matrix(self, mlserver, slipway):
        rows = matrix(ROWS, 7)
        theirs = mlserver.infer("flowers", matrix_input(rows), ["predict", "predict_proba"])
        url = slipway(f"{mlserver.url}/v2/models/flowers")
        ours = batch(url, features(rows))
        assert [answer["prediction"] for answer in ours] == theirs["predict"]
        probabilities = [number for answer in ours for number in answer["probabilities"].values()]
        assert probabilities == theirs["predict_proba"]
        status, _, alone = request(f"{url}/predict", {"features": features(rows)[0]})
        assert (status, alone["prediction"]) == (200, theirs["predict"][0])

    def test_of_columns_with_texts(self, mlserver, slipway):
        rows = people(ROWS, 8)
        inputs = [
            {"name": name, "datatype": datatype, "shape": [ROWS, 1], "data": rows[name].tolist()}
            | ({"parameters": {"content_type": "str"}} if datatype == "BYTES" else {})
            for name, datatype in COLUMNS.items()
        ]
        theirs = mlserver.infer(
            "people", inputs, ["predict", "predict_proba"], parameters={"content_type": "pd"}
        )
        ours = batch(slipway(f"{mlserver.url}/v2/models/people"), rows.to_dict("records"))
        assert [answer["prediction"] for answer in ours] == theirs["predict"]
        probabilities = [number for answer in ours for number in answer["probabilities"].values()]
        assert probabilities == theirs["predict_proba"]
        assert len(set(theirs["predict"])) == 2

    def test_of_a_regression(self, mlserver, slipway):
        rows = matrix(ROWS, 9)
        theirs = mlserver.infer("price", matrix_input(rows), ["predict"])
        ours = batch(slipway(f"{mlserver.url}/v2/models/price"), features(rows))
        assert [answer["prediction"] for answer in ours] == theirs["predict"]

    def test_of_a_model_that_only_its_author_describes(self, mlserver, slipway, tmp_path):
        signature = {
            "inputs": json.dumps([{"name": f"f{i}", "type": "double", "required": True} for i in range(4)]),
            "outputs": json.dumps([{"name": "predict", "type": "double", "required": True}]),
        }
        flavor = {"slipway": {"format": "remote", "entry": "remote.json", "flavor": "remote"}}
        folder = tmp_path / "price"
        folder.mkdir()
        (folder / "MLmodel").write_text(json.dumps({"flavors": flavor, "signature": signature}))
        (folder / "remote.json").write_text(json.dumps({"url": mlserver.url, "model": "silent"}))
        rows = matrix(ROWS, 9)
        theirs = mlserver.infer("price", matrix_input(rows), ["predict"])
        ours = batch(slipway(str(folder)), features(rows))
        assert [answer["prediction"] for answer in ours] == theirs["predict"]

    def test_of_a_bad_row_is_a_refusal_here(self, mlserver, slipway):
        url = slipway(f"{mlserver.url}/v2/models/flowers")
        status, _, answer = request(f"{url}/predict", {"features": {"f0": "x", "f1": 1, "f2": None}})
        assert (status, answer["code"]) == (422, "INPUT_INVALID")
        assert [error["path"] for error in answer["errors"]] == ["f0", "f2", "f3"]


class TestRefusals:
    """What cannot be served is not registered, and the reason says what to do."""

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("silent", "does not say what its inputs are"),
            ("absent", "answered 404"),
            ("flowers/versions/9", "answered 404"),
        ],
    )
    def test_names_the_model(self, mlserver, tmp_path, path, reason):
        url = f"{mlserver.url}/v2/models/{path}"
        refused = run(tmp_path, "serve", url, "--port", "0")
        assert refused.returncode != 0
        assert url in refused.stderr
        assert reason in refused.stderr

    def test_names_the_server_that_is_away(self, tmp_path):
        refused = run(tmp_path, "serve", "http://127.0.0.1:9/v2/models/flowers", "--port", "0")
        assert refused.returncode != 0
        assert "http://127.0.0.1:9/v2/models/flowers cannot be reached" in refused.stderr

    def test_of_a_model_that_is_no_longer_the_one_that_was_registered(self, mlserver, tmp_path):
        url = f"{mlserver.url}/v2/models/flowers"
        registered = run(tmp_path, "models", "register", url)
        assert registered.returncode == 0, registered.stderr
        assert run(tmp_path, "models", "verify", "flowers").returncode == 0
        mlserver.kill()
        mlserver.put("flowers", train_matrix(seed=5))
        mlserver.start()
        try:
            refused = run(tmp_path, "models", "verify", "flowers")
            assert refused.returncode != 0
            assert "Golden example" in refused.stderr
        finally:
            mlserver.kill()
            mlserver.put("flowers", train_matrix())
            mlserver.start()


class TestFaults:
    def test_of_a_server_that_dies_and_comes_back(self, mlserver, slipway):
        url = slipway(f"{mlserver.url}/v2/models/flowers")
        row = {"features": features(matrix(1, 3))[0]}
        status, _, before = request(f"{url}/predict", row)
        assert status == 200
        assert health(url)["status"] == "ok"
        mlserver.kill()
        try:
            answers = [request(f"{url}/predict", row) for _ in range(6)]
            assert {(status, answer["code"]) for status, _, answer in answers} == {
                (502, "REMOTE_FAILED"),
                (503, "NOT_READY"),
            }
            assert all("127.0.0.1" not in json.dumps(answer) for _, _, answer in answers)
            refused = next(headers for status, headers, _ in answers if status == 503)
            assert int(refused["retry-after"]) >= 1
            ailing = wait_until(
                lambda: next((text for text in health(url)["problems"] if "is down" in text), None), "health says so"
            )
            assert "circuit breaker" in ailing
            assert f"{mlserver.url}/v2/models/flowers (mlserver 1.7.1)" in ailing
        finally:
            mlserver.start()
        again = wait_until(lambda: answered(url, row), "it answers again")
        assert again["prediction"] == before["prediction"]
        wait_until(lambda: health(url)["status"] == "ok", "health is well again")

    def test_of_a_server_that_is_away_at_the_start(self, mlserver, slipway, tmp_path):
        """The other endpoint serves meanwhile, and this one once the server is there."""
        onnx = str(ROOT / "test/models/fixtures/sklearn-ridge/model.onnx")
        endpoints = {"here": {"model": onnx}, "there": {"model": f"{mlserver.url}/v2/models/flowers"}}
        config = {"default_endpoint": "there", "endpoints": endpoints}
        first = slipway(None, **config)
        assert health(first)["status"] == "ok"
        slipway.stop(first)
        mlserver.kill()
        try:
            url = slipway(None, **config)
            models = health(url)["models"]
            assert {name: model["state"] for name, model in models.items()} == {"here": "ready", "there": "failed"}
            assert f"{mlserver.url}/v2/models/flowers cannot be reached" in models["there"]["reason"]
        finally:
            mlserver.start()
        row = {"features": features(matrix(1, 3))[0]}
        wait_until(lambda: answered(url, row), "it serves")

    def test_of_a_server_that_hangs(self, mlserver, slipway):
        """All callers are answered while it still hangs: nothing here waits for it."""
        url = slipway(f"{mlserver.url}/v2/models/flowers")
        row = {"features": features(matrix(1, 3))[0]}
        assert request(f"{url}/predict", row)[0] == 200
        statuses: list[int] = []

        def ask() -> None:
            for _ in range(3):
                statuses.append(request(f"{url}/predict", row)[0])

        mlserver.hold()
        try:
            callers = [threading.Thread(target=ask) for _ in range(20)]
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join(60)
            assert len(statuses) == 60
            assert set(statuses) <= {503, 504}
            assert 504 in statuses
            wait_until(lambda: any("is down" in text for text in health(url)["problems"]), "health says so")
        finally:
            mlserver.release()
        wait_until(lambda: answered(url, row), "it answers again")
