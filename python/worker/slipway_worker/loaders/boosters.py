"""XGBoost's and LightGBM's own files: the objective says what an answer is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from slipway_worker.facts import lightgbm_categories, type_of_values, xgboost_categories
from slipway_worker.loaders.estimator import EstimatorPredictor
from slipway_worker.loaders.pickled import refusing
from slipway_worker.loaders.predictor import Inputs, Predictor
from slipway_worker.port import ModelUnreadable, Output, missing
from slipway_worker.tables import InputColumn
from slipway_worker.values import predictions_of, probabilities_of

_XGBOOST_TYPES = {"int": "int64", "i": "bool"}


class BoosterPredictor:
    """A booster whose objective makes it a classifier, or whose output is the answer."""

    executes_code = False

    def __init__(self, kind: str, inputs: Inputs, predict: Any, objective: tuple[str, int]) -> None:
        name, classes = objective
        self.kind = kind
        self.inputs = inputs
        self._predict = predict
        # One probability a row for two classes, a table of them for more.
        self._is_binary = name in ("binary:logistic", "binary", "cross_entropy", "xentropy") and classes <= 2
        is_multiple = name in ("multi:softprob", "multiclass", "multiclassova") and classes > 0
        gives_labels = name in ("multi:softmax", "binary:hinge") and classes > 0
        self.has_probabilities = self._is_binary or is_multiple
        if self.has_probabilities or gives_labels:
            self.task = "classification"
            self.labels: list | None = list(range(2 if self._is_binary else classes))
        else:
            self.task = "regression" if classes <= 1 else "generic"
            self.labels = None

    def answer_as_it_is(self) -> None:
        """From now on an answer is what predict gives: for a classifier its probabilities."""
        self.task = "regression" if self._is_binary else "generic"
        self.labels = None
        self.has_probabilities = False

    def __call__(self, table: Any, rows: int) -> Output:
        raw = self._predict(table)
        if self.task != "classification":
            return Output(predictions_of(raw, rows))
        if not self.has_probabilities:
            return Output(predictions_of(np.asarray(raw).astype(np.int64), rows))
        if self._is_binary:
            table_of = np.empty((len(raw), 2), np.float64)
            table_of[:, 1] = raw
            table_of[:, 0] = 1.0 - table_of[:, 1]
            return Output((np.asarray(raw) > 0.5).astype(np.int64).tolist(), probabilities_of(table_of, rows, 2))
        probabilities = probabilities_of(raw, rows, len(self.labels or []))
        return Output(probabilities.argmax(axis=1).tolist(), probabilities)


def xgboost_file(file: Path) -> Predictor:
    """A file of XGBoost: what its scikit-learn classes saved is loaded as that class, so that it answers as it did."""
    try:
        import xgboost
    except ImportError as error:
        raise missing("xgboost") from error
    with refusing(file.name):
        booster = xgboost.Booster(model_file=str(file))
        saved = json.loads(booster.attr("scikit_learn") or "{}")
        kind = saved.get("_estimator_type")
        if kind in ("classifier", "regressor", "ranker"):
            wrapper = {"classifier": "XGBClassifier", "regressor": "XGBRegressor", "ranker": "XGBRanker"}[kind]
            estimator = getattr(xgboost, wrapper)()
            estimator.load_model(str(file))
            return EstimatorPredictor(estimator, executes_code=False)
    return xgboost_booster(booster, file.name)


def xgboost_booster(booster: Any, name: str) -> BoosterPredictor:
    """A bare booster of XGBoost, with the answers that its objective stands for."""
    import xgboost

    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    width = booster.num_features()
    names = booster.feature_names
    types = booster.feature_types or ["float"] * width
    categories = xgboost_categories(booster) or [None] * width
    if "c" in types and any(known is None for known, kind in zip(categories, types) if kind == "c"):
        raise ModelUnreadable(
            f"{name} has columns of categories and does not hold which: save it with XGBoost 3.1 or newer, "
            "or keep the model in a pipeline that encodes them"
        )
    columns = tuple(
        InputColumn(
            column,
            _XGBOOST_TYPES.get(kind, "float64") if known is None else type_of_values(known),
            nullable=True,
            dtype_categories=None if known is None else tuple(known),
        )
        for column, kind, known in zip(names or [f"f{place}" for place in range(width)], types, categories)
    )
    inputs = Inputs(columns, width, named=names is not None)
    by_rows = learner["gradient_booster"]["name"] != "gblinear" and "c" not in types

    def predict(table: Any) -> np.ndarray:
        if by_rows:
            values = table.to_numpy(np.float64) if hasattr(table, "to_numpy") else table
            return booster.inplace_predict(values, validate_features=False)
        return booster.predict(xgboost.DMatrix(table, enable_categorical="c" in types))

    classes = int(learner["learner_model_param"]["num_class"])
    targets = int(learner["learner_model_param"].get("num_target", 1))
    if objective == "binary:hinge":
        classes = 2
    elif not objective.startswith("multi:"):
        classes = targets
    return BoosterPredictor("xgboost", inputs, predict, (objective, classes))


def lightgbm_file(file: Path) -> BoosterPredictor:
    """A text file of LightGBM."""
    try:
        import lightgbm
    except ImportError as error:
        raise missing("lightgbm") from error
    with refusing(file.name):
        return lightgbm_booster(lightgbm.Booster(model_file=str(file)))


def lightgbm_booster(booster: Any) -> BoosterPredictor:
    """A bare booster of LightGBM, with the answers that its objective stands for."""
    names = booster.feature_name()
    named = names != [f"Column_{place}" for place in range(len(names))]
    categories = lightgbm_categories(booster)
    columns = tuple(
        InputColumn(
            name if named else f"f{place}",
            "float64" if known is None else type_of_values(known),
            nullable=True,
            dtype_categories=None if known is None else tuple(known),
        )
        for place, (name, known) in enumerate(zip(names, categories))
    )
    objective = str(booster.dump_model(num_iteration=1).get("objective", "")).split(" ")[0]
    classes = booster.num_model_per_iteration()
    inputs = Inputs(columns, len(columns), named=named)
    return BoosterPredictor("lightgbm", inputs, booster.predict, (objective, classes))
