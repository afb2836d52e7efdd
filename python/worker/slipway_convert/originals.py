"""The estimator that a loaded model asks, in the form that converters know."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .report import Refusal


@dataclass(frozen=True)
class Original:
    """What is converted: the steps before an estimator, and the estimator, as one."""

    estimator: Any
    #: What it is given for a missing text: NaN, or None.
    missing_text: Any
    #: Factor and offset of the answer, where its scaler is undone.
    rescaled: tuple[float, float] | None = None


def open_original(directory: Path, entry: str, declared: dict[str, Any] | None) -> Original:
    """Load the model as the worker does, and take the estimator out. Refusal where there is none to convert."""
    from slipway_worker.models import MissingPackages, ModelUnreadable, load

    try:
        model = load(directory, entry, declared)
    except MissingPackages as error:
        raise Refusal("missing", f"The model needs packages: {error}", error.packages) from error
    except ModelUnreadable as error:
        raise Refusal("unreadable", str(error)) from error
    return original_of(model)


def original_of(model: Any) -> Original:
    if model.predictor is None:
        raise Refusal(
            "unsupported",
            "The model is a Python function of its author (mlflow.pyfunc), and no estimator of a library: there is no graph "
            "to make of code. Save the estimator inside it with its own flavor, or let the Python runtime serve it",
        )
    predictor, rescaled = without_target(model.predictor)
    estimator = getattr(predictor, "estimator", None)
    if estimator is None:
        estimator = wrapped_booster(predictor)
    maker = model.maker
    inputs = getattr(maker, "inputs", maker)
    return Original(with_steps(maker, estimator), missing_text_of(inputs), rescaled)


def without_target(predictor: Any) -> tuple[Any, tuple[float, float] | None]:
    """The predictor of codes and scaled numbers: labels are renamed where the graph is loaded."""
    rescaled = None
    while hasattr(predictor, "_predictor"):
        scaler = getattr(predictor, "_scaler", None)
        if scaler is not None:
            rescaled = line_of(scaler)
        predictor = predictor._predictor
    return predictor, rescaled


def line_of(scaler: Any) -> tuple[float, float]:
    """Factor and offset of what undoes a scaler that only stretches and moves."""
    if type(scaler).__name__ not in ("StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler"):
        raise Refusal(
            "unsupported",
            f"The scaler of the answer is a {type(scaler).__name__}, for which there is no converter: put the model into "
            "scikit-learn's TransformedTargetRegressor, or let the Python runtime serve it",
        )
    at_zero, at_one = (float(scaler.inverse_transform(np.array([[x]]))[0, 0]) for x in (0.0, 1.0))
    return at_one - at_zero, at_zero


def with_steps(maker: Any, estimator: Any) -> Any:
    """The estimator behind what makes its table of the raw fields."""
    kind = type(maker).__name__
    if kind in ("Inputs", "TensorInputs"):
        return estimator
    if kind == "WholeTable":
        from sklearn.pipeline import Pipeline

        return Pipeline([("preprocessor", maker.transformer), ("model", estimator)])
    if kind == "FeatureSteps":
        from .folder import composed

        return composed(maker, estimator)
    raise Refusal(
        "unsupported",
        "The raw fields go through feature_transformer.py, which is Python code and no graph: write it as a transform of "
        "Slipway, or let the Python runtime serve the model",
    )


def missing_text_of(inputs: Any) -> Any:
    """All columns of texts of a model are given the same, or else the proof will tell."""
    texts = [column for column in getattr(inputs, "columns", None) or () if column.type == "string"]
    nullable = [column for column in texts if column.nullable or not column.required]
    return nullable[0].missing_text if nullable else float("nan")


def wrapped_booster(predictor: Any) -> Any:
    """A bare booster as the class of scikit-learn's interface that answers as it does."""
    predict = predictor._predict
    booster = getattr(predict, "__self__", None) or inspect.getclosurevars(predict).nonlocals["booster"]
    if predictor.task not in ("classification", "regression"):
        raise Refusal("unsupported", f"A booster of {predictor.kind} with several numbers a row is not converted")
    if predictor.kind == "xgboost":
        return xgboost_wrapper(booster, predictor.labels)
    return lightgbm_wrapper(booster, predictor.labels)


def xgboost_wrapper(booster: Any, labels: list[Any] | None) -> Any:
    import xgboost

    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    model = (xgboost.XGBRegressor if labels is None else xgboost.XGBClassifier)(objective=objective)
    model._Booster = booster
    if labels is not None:
        model.n_classes_ = len(labels)
    return model


def lightgbm_wrapper(booster: Any, labels: list[Any] | None) -> Any:
    import lightgbm

    model = lightgbm.LGBMRegressor() if labels is None else lightgbm.LGBMClassifier()
    model._Booster = booster
    model._n_features = model._n_features_in = booster.num_feature()
    model.fitted_ = True
    if labels is not None:
        model._n_classes = len(labels)
        model._classes = np.asarray(labels)
    return model
