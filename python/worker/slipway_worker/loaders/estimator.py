"""Answers of what has scikit-learn's interface: a label with probabilities, or a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from slipway_worker.facts import columns_of, feature_names_of, reads_text, width_of
from slipway_worker.loaders.predictor import Inputs
from slipway_worker.port import Output
from slipway_worker.tables import InputColumn
from slipway_worker.values import predictions_of, probabilities_of

#: Classifiers whose label is that of the largest probability, so that one call gives both. Two probabilities this close
#: are decided by the library itself.
_TIE = 1e-6
_LABEL_OF_LARGEST = {
    "sklearn": {
        "RandomForestClassifier",
        "ExtraTreesClassifier",
        "DecisionTreeClassifier",
        "ExtraTreeClassifier",
        "BaggingClassifier",
        "GradientBoostingClassifier",
        "HistGradientBoostingClassifier",
        "LogisticRegression",
        "LogisticRegressionCV",
        "MLPClassifier",
        "GaussianNB",
        "MultinomialNB",
        "BernoulliNB",
        "ComplementNB",
        "CalibratedClassifierCV",
    },
    "xgboost": {"XGBClassifier", "XGBRFClassifier"},
    "lightgbm": {"LGBMClassifier"},
}


class EstimatorPredictor:
    """Asks an estimator of scikit-learn, or one of its kind, for the answer to a table."""

    def __init__(self, estimator: Any, executes_code: bool = True) -> None:
        self.estimator = estimator
        self.kind = type(last_step(estimator)).__module__.partition(".")[0]
        self.executes_code = executes_code
        self.inputs = inputs_of(estimator)
        self.task = task_of(estimator)
        self.labels = labels_of(estimator) if self.task == "classification" else None
        self.has_probabilities = self.labels is not None and hasattr(estimator, "predict_proba")
        self._classes = np.asarray(estimator.classes_) if self.labels is not None else None
        self._by_largest = self.has_probabilities and label_is_of_largest(estimator)

    def __call__(self, table: Any, rows: int) -> Output:
        if not self.has_probabilities:
            return Output(self._predictions(self.estimator.predict(table), rows))
        probabilities = probabilities_of(self.estimator.predict_proba(table), rows, len(self.labels or []))
        if self._by_largest and _is_clear(probabilities):
            labels = self._classes.take(probabilities.argmax(axis=1))
        else:
            labels = self.estimator.predict(table)
        return Output(self._predictions(labels, rows), probabilities)

    def _predictions(self, predicted: Any, rows: int) -> list | np.ndarray:
        if self.task == "regression" and getattr(predicted, "ndim", 1) == 2 and predicted.shape[1] == 1:
            predicted = predicted[:, 0]
        values = predictions_of(predicted, rows)
        # Labels are told apart by their type in JSON: 1.0 of a float array is a label, and no number to be rounded.
        return values.tolist() if self.task == "classification" and isinstance(values, np.ndarray) else values


def inputs_of(estimator: Any) -> Inputs:
    """The table that an estimator takes, by what it and its steps keep of the fit."""
    names = feature_names_of(estimator)
    width = len(names) if names is not None else width_of(estimator)
    if width is None and reads_text(estimator):
        return Inputs((InputColumn("text", "string"),), None, named=False, is_text=True)
    columns = None if width is None else tuple(columns_of(estimator, names, width))
    return Inputs(columns, width, named=names is not None, ignores_names=_ignores_names(estimator))


def _ignores_names(estimator: Any) -> bool:
    """Whether it is one estimator of a library that makes an array of its table: no steps that choose columns by name."""
    if type(estimator).__module__.partition(".")[0] not in ("sklearn", "xgboost", "lightgbm"):
        return False
    parts = estimator.get_params(deep=False).values() if hasattr(estimator, "get_params") else [estimator]
    return not any(hasattr(part, "fit") or isinstance(part, (list, tuple)) for part in parts)


def _is_clear(probabilities: np.ndarray) -> bool:
    """Whether each row has one largest probability that no rounding could have made so."""
    if probabilities.shape[1] == 1:
        return True
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    return bool((two[:, 1] - two[:, 0] > _TIE).all())


def label_is_of_largest(estimator: Any) -> bool:
    """Whether the label is that of the largest probability, by what is known of the library's own class."""
    kind = type(last_step(estimator))
    return kind.__name__ in _LABEL_OF_LARGEST.get(kind.__module__.partition(".")[0], ())


def last_step(estimator: Any) -> Any:
    """The estimator that answers: the last of a pipeline, the best of a search."""
    while True:
        module = type(estimator).__module__.partition(".")[0]
        if module != "sklearn":
            return estimator
        if type(estimator).__name__ == "Pipeline":
            estimator = estimator.steps[-1][1]
        elif type(estimator).__name__ in ("GridSearchCV", "RandomizedSearchCV") and hasattr(
            estimator, "best_estimator_"
        ):
            estimator = estimator.best_estimator_
        else:
            return estimator


def task_of(estimator: Any) -> str:
    """`classification`, `regression` or `generic`: what several answers a row, a cluster or an outlier is."""
    kind = getattr(last_step(estimator), "_estimator_type", None) or _tagged_kind(estimator)
    if kind == "classifier" and labels_of(estimator) is not None:
        return "classification"
    if kind == "regressor" and not _answers_several(last_step(estimator)):
        return "regression"
    return "generic"


def _tagged_kind(estimator: Any) -> str | None:
    try:
        from sklearn.utils import get_tags

        return get_tags(estimator).estimator_type
    except Exception:  # estimators of other libraries fail here in ways of their own
        return None


def labels_of(estimator: Any) -> list | None:
    """The labels in the order of the probabilities; None where it has none, or a list for each of several answers."""
    classes = getattr(estimator, "classes_", None)
    if classes is None or isinstance(classes, list) and classes and isinstance(classes[0], np.ndarray):
        return None
    array = np.asarray(classes)
    return array.tolist() if array.ndim == 1 else None


def _answers_several(estimator: Any) -> bool:
    count = getattr(estimator, "n_outputs_", None)
    if isinstance(count, (int, np.integer)) and count > 1:
        return True
    coefficients = getattr(estimator, "coef_", None)
    return getattr(coefficients, "ndim", 1) == 2 and coefficients.shape[0] > 1
