"""A KServe model server with models of scikit-learn, as its own sklearnserver has them: `kserve_models.py <port> <folder>`."""

import sys
from pathlib import Path

import joblib
from kserve import Model, ModelServer
from kserve.utils.utils import get_predict_input, get_predict_response


class SklearnModel(Model):
    def __init__(self, path: Path):
        super().__init__(path.stem)
        self.model = joblib.load(path)
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        return get_predict_response(payload, self.model.predict(get_predict_input(payload)), self.name)


if __name__ == "__main__":
    port, folder = sys.argv[1:]
    models = [SklearnModel(path) for path in sorted(Path(folder).glob("*.joblib"))]
    ModelServer(http_port=int(port), enable_grpc=False, workers=1).start(models)
