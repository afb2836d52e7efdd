import pytest
from world import MlflowServer, Registry, Slipway


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = MlflowServer(tmp_path_factory.mktemp("mlflow")).start()
    yield server
    server.kill()


@pytest.fixture
def registry(server, tmp_path, request):
    return Registry(server, request.node.name.replace("[", "-").replace("]", ""), tmp_path / "models")


@pytest.fixture
def serve(server, tmp_path):
    running = []

    def start(reference: str, settings: dict | None = None, folder: str = "slipway") -> Slipway:
        settings = {"REGISTRY_MLFLOW_URL": server.url, **(settings or {})}
        running.append(Slipway(tmp_path / folder, reference, settings=settings))
        return running[-1]

    yield start
    for slipway in running:
        slipway.stop()
