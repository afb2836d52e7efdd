"""Where MLflow keeps models, and what commands do with them there."""

import json

import mlflow
import numpy as np
import pytest
from mlflow.models import infer_signature
from world import MlflowServer, free_port, get_json, linear_model, predict, run_slipway

EXAMPLE = np.arange(6, dtype=np.float32).reshape(2, 3)
SIGNATURE = infer_signature(EXAMPLE, EXAMPLE.sum(axis=1, keepdims=True))


@pytest.fixture
def slipway(server, tmp_path):
    """Runs a command, and answers with what it printed as JSON."""
    folder = tmp_path / "cli"
    folder.mkdir()

    def run(*words: str) -> dict:
        done = run_slipway(folder, *words, "--json", tracking=server.url)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def log_model(server, number: int, **options):
    """As a notebook does it: since MLflow 3 the model lies beside the run."""
    mlflow.set_tracking_uri(server.url)
    mlflow.set_experiment("notebook")
    with mlflow.start_run() as run:
        mlflow.log_metric("rmse", 0.5)
        logged = mlflow.onnx.log_model(
            linear_model(number), name="model", signature=SIGNATURE, input_example=EXAMPLE, **options
        )
    return run.info.run_id, logged


def test_serves_what_a_notebook_logged_and_registered(server, serve):
    log_model(server, 40, registered_model_name="notebook")
    running = serve("models:/notebook/latest")
    assert predict(running.url, [1, 2, 3]) == 46
    assert get_json(f"{running.url}/model/info")["training"]["metrics"] == {"rmse": 0.5}


def test_serves_from_every_place(server, serve, tmp_path):
    run_id, logged = log_model(server, 50)
    mlflow.onnx.save_model(linear_model(60), str(tmp_path / "saved"), signature=SIGNATURE, input_example=EXAMPLE)
    client = mlflow.MlflowClient(server.url)
    client.log_artifacts(run_id, str(tmp_path / "saved"), "kept")
    root = client.get_run(run_id).info.artifact_uri
    places = {
        f"runs:/{run_id}/model": 50,
        logged.model_uri: 50,
        f"runs:/{run_id}/kept": 60,
        f"{root}/kept": 60,
        f"file:{tmp_path / 'saved'}": 60,
        (tmp_path / "saved").as_uri(): 60,
        str(tmp_path / "saved"): 60,
    }
    for i, (place, number) in enumerate(places.items()):
        running = serve(place, folder=f"place-{i}")
        assert predict(running.url, [1, 2, 3]) == 6 + number, place
        running.stop()


def test_what_was_brought_once_serves_without_mlflow(server, serve, tmp_path):
    run_id, _ = log_model(server, 50)
    place = f"runs:/{run_id}/model"
    serve(place).stop()
    nowhere = {"REGISTRY_MLFLOW_URL": f"http://127.0.0.1:{free_port()}"}
    assert predict(serve(place, nowhere).url, [0, 0, 0]) == 50


def test_registers_from_a_run_with_what_is_known_of_it(server, slipway):
    run_id, _ = log_model(server, 50)
    made = slipway("models", "register", f"runs:/{run_id}/model", "--name", "mine")
    assert made["source"] == f"runs:/{run_id}/model"
    assert made["metadata"]["metrics"] == {"rmse": 0.5}
    assert slipway("models", "verify", "mine/1")["golden_examples"] >= 2


@pytest.mark.parametrize(
    "place, reason",
    [
        ("runs:/0123456789abcdef0123456789abcdef/model", "not found"),
        ("models:/absent@champion", "absent"),
        ("models:/absent/7", "absent"),
    ],
)
def test_says_what_is_not_there(server, tmp_path, place, reason):
    done = run_slipway(tmp_path, "serve", place, "--port", "0", tracking=server.url)
    assert done.returncode != 0
    assert reason in done.stderr


def test_tls_and_basic_authentication(tmp_path):
    password = "a password of a test"
    secured = MlflowServer(tmp_path / "secured", password)

    def models(**env: str):
        return run_slipway(tmp_path, "models", "list", "--json", tracking=secured.url, env=env)

    try:
        secured.start()
        ca = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(secured.folder / "certificate.pem")}
        credentials = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": password}
        taken = models(**ca, **credentials)
        assert (taken.returncode, taken.stderr) == (0, "")
        assert json.loads(taken.stdout) == []
        unknown = models(**ca)
        assert unknown.returncode != 0
        assert "does not let Slipway in (401)" in unknown.stderr
        untrusted = models(**credentials)
        assert untrusted.returncode != 0
        assert "self-signed certificate" in untrusted.stderr
    finally:
        secured.kill()


def test_promote_pull_and_push(registry, serve, slipway):
    version = registry.add(100)
    promoted = slipway("models", "promote", f"models:/{registry.name}/{version}", "--stage", "Production")
    assert promoted["stage"] == "Production"
    assert registry.client.get_model_version(registry.name, version).current_stage == "Production"
    slipway("models", "promote", f"models:/{registry.name}/{version}", "--to", "champion")
    assert registry.client.get_model_version_by_alias(registry.name, "champion").version == version
    pulled = slipway("models", "pull", f"models:/{registry.name}/Production", "--name", "mine", "--alias", "production")
    assert pulled["metadata"]["metrics"] == {"rmse": 0.25}
    assert pulled["metadata"]["params"] == {"depth": "3"}
    assert pulled["source"] == f"models:/{registry.name}/{version}"
    assert slipway("models", "verify", "mine@production")["golden_examples"] >= 2
    pushed = slipway("models", "push", "mine/1", "--name", f"{registry.name}-copy", "--alias", "champion")
    assert pushed["number"] == 1
    copy = registry.client.get_model_version_by_alias(f"{registry.name}-copy", "champion")
    assert copy.tags["slipway.digest"] == pulled["digest"]
    assert registry.client.get_run(copy.run_id).data.metrics == {"rmse": 0.25}
    loaded = mlflow.onnx.load_model(f"models:/{registry.name}-copy@champion")
    assert len(loaded.graph.node) == 2
    again = slipway("models", "verify", f"models:/{registry.name}-copy@champion")
    assert again["digest"] == pulled["digest"]
    assert serve(f"models:/{registry.name}-copy@champion").endpoint()["state"] == "ready"
