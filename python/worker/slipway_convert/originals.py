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
    estimator: Any
    #: What it is given for a missing text: NaN, or None.
    missing_text: Any


def open_original(directory: Path, entry: str, declared: dict[str, Any] | None) -> Original:
    """Load the model as the worker does, and take the estimator out. Refusal where there is none to convert."""
    from slipway_worker.models import MissingPackages, ModelUnreadable, load

    try:
        model = load(directory, entry, declared)
    except MissingPackages as error:
        raise Refusal("missing", f"The model needs packages: {error}", error.packages) from error
    except ModelUnreadable as error:
        raise Refusal("unreadable", str(error)) from error
    parts = inspect.getclosurevars(model._answer).nonlocals
    predictor = parts.get("predictor")
    if predictor is None:
        raise Refusal(
            "unsupported",
            "The model is a Python function of its author (mlflow.pyfunc), and no estimator of a library: there is no graph "
            "to make of code. Save the estimator inside it with its own flavor, or let the Python runtime serve it",
        )
    inputs = parts.get("inputs") or getattr(predictor, "inputs", None)
    estimator = getattr(predictor, "estimator", None)
    if estimator is None:
        estimator = wrapped_booster(predictor)
    return Original(estimator, missing_text_of(inputs))


def missing_text_of(inputs: Any) -> Any:
    """All columns of texts of a model are given the same, or else the proof will tell."""
    texts = [column for column in getattr(inputs, "columns", None) or () if column.type == "string"]
    nullable = [column for column in texts if column.nullable or not column.required]
    return nullable[0].missing_text if nullable else float("nan")


def wrapped_booster(predictor: Any) -> Any:
    """A bare booster as the class of scikit-learn's interface that answers as it does."""
    booster = inspect.getclosurevars(predictor._predict).nonlocals.get("booster")
    if booster is None:
        booster = getattr(predictor._predict, "__self__", None)
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
