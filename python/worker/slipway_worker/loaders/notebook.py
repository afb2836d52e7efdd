"""Model files as notebooks leave them, with what lies beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway_worker.loaders.boosters import lightgbm_booster, lightgbm_file, xgboost_booster, xgboost_file
from slipway_worker.loaders.estimator import EstimatorPredictor
from slipway_worker.loaders.pickled import read_pickle
from slipway_worker.loaders.predictor import Predictor, facts_of
from slipway_worker.loaders.skops_file import read_skops
from slipway_worker.port import Model, ModelUnreadable


def load_notebook(folder: Path, file: Path, declared: Mapping[str, Any] | None) -> Model:
    predictor = predictor_in(file)
    inputs = predictor.inputs
    return Model(facts_of(predictor, inputs), inputs.prepare, lambda table, rows, _params: predictor(table, rows))


def predictor_in(file: Path) -> Predictor:
    suffix = file.suffix.lower()
    if suffix in (".pkl", ".pickle", ".joblib"):
        return predictor_of(read_pickle(file), file.name)
    if suffix == ".skops":
        return EstimatorPredictor(read_skops(file, None), executes_code=False)
    if suffix == ".txt":
        return lightgbm_file(file)
    return xgboost_file(file)


def predictor_of(model: Any, name: str) -> Predictor:
    library, kind = type(model).__module__.partition(".")[0], type(model).__name__
    if kind == "Booster" and library == "xgboost":
        return xgboost_booster(model, name)
    if kind == "Booster" and library == "lightgbm":
        return lightgbm_booster(model)
    if not hasattr(model, "predict"):
        raise ModelUnreadable(f"{name} holds a {kind}, which has no predict")
    return EstimatorPredictor(model)
