"""XGBoost and LightGBM models converted with onnxmltools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from xgboost import XGBClassifier, XGBRegressor

import readers
from case import Case, Reader, classified, saver, valued, versions
from tables import matrix, rounded, sample

SEED = 7
XGBOOST = versions("onnxmltools", "xgboost-cpu")
LIGHTGBM = versions("onnxmltools", "lightgbm")
XGBOOST_SETTINGS = {"n_estimators": 6, "max_depth": 3, "random_state": SEED, "n_jobs": 1}
LIGHTGBM_SETTINGS = {
    "n_estimators": 6, "num_leaves": 7, "random_state": SEED, "n_jobs": 1, "deterministic": True, "verbose": -1
}  # fmt: skip


def request_rows(features: Any) -> list[list[Any]]:
    """Return rows of the data set followed by extreme and missing ones."""
    width = len(features[0])
    missing = [[None] * width, [None, *features[0][1:]], [*features[-1][:-1], None]]
    return sample(features, 22) + [[1e30] * width, [-1e30] * width, [0] * width, *missing]


def convert(converter: Callable[..., onnx.ModelProto], name: str, model: Any, width: int) -> onnx.ModelProto:
    """Convert a fitted model that takes one float matrix."""
    return converter(model, name, initial_types=[("input", FloatTensorType([None, width]))])


def classifier_case(
    name: str, library: str, model: Any, onnx_model: onnx.ModelProto, rows: Any, read: Reader, notes: str
) -> Case:
    """Build a case whose expected answers are the model's predict and predict_proba."""
    features = matrix(rows)
    expected = classified(model.predict(features), model.classes_, model.predict_proba(features))
    return Case(name, library, "classification", rows, expected, 1e-5, notes, saver(onnx_model), read)


def regressor_case(name: str, library: str, model: Any, onnx_model: onnx.ModelProto, rows: Any) -> Case:
    """Build a case whose expected answers are the model's predict."""
    expected = valued(model.predict(matrix(rows)))
    notes = "One float[N,1] output; null (NaN) is accepted."
    return Case(name, library, "regression", rows, expected, 1e-5, notes, saver(onnx_model), readers.values)


def xgboost_binary(name: str) -> Case:
    """Int labels 0 and 1."""
    data = load_breast_cancer()
    features = rounded(data.data[:, :5])
    model = XGBClassifier(**XGBOOST_SETTINGS).fit(matrix(features), data.target)
    onnx_model = convert(convert_xgboost, name, model, 5)
    notes = "label int64[N], probabilities float[N,2]; null (NaN) is accepted."
    read = readers.label_and_matrix(model.classes_)
    return classifier_case(name, XGBOOST, model, onnx_model, request_rows(features), read, notes)


def xgboost_multiclass(name: str) -> Case:
    """Three int labels."""
    data = load_wine()
    features = rounded(data.data[:, :5])
    model = XGBClassifier(**XGBOOST_SETTINGS).fit(matrix(features), data.target)
    onnx_model = convert(convert_xgboost, name, model, 5)
    notes = "label int64[N], probabilities float[N,3]; null (NaN) is accepted."
    read = readers.label_and_matrix(model.classes_)
    return classifier_case(name, XGBOOST, model, onnx_model, request_rows(features), read, notes)


def xgboost_regressor(name: str) -> Case:
    """One number."""
    data = load_diabetes()
    features = rounded(data.data[:, :5], 4)
    model = XGBRegressor(**XGBOOST_SETTINGS).fit(matrix(features), data.target)
    return regressor_case(
        name, XGBOOST, model, convert(convert_xgboost, name, model, 5), request_rows(features)
    )


def lightgbm_classifier(name: str) -> Case:
    """Three int labels with ZipMap."""
    data = load_wine()
    features = rounded(data.data[:, :5])
    model = LGBMClassifier(**LIGHTGBM_SETTINGS).fit(matrix(features), data.target)
    onnx_model = convert(convert_lightgbm, name, model, 5)
    notes = "Default options: label int64[N] although declared [1], and ZipMap sequence of int64-keyed maps."
    return classifier_case(name, LIGHTGBM, model, onnx_model, request_rows(features), readers.zipmap, notes)


def lightgbm_regressor(name: str) -> Case:
    """One number."""
    data = load_diabetes()
    features = rounded(data.data[:, :5], 4)
    model = LGBMRegressor(**LIGHTGBM_SETTINGS).fit(matrix(features), data.target)
    return regressor_case(
        name, LIGHTGBM, model, convert(convert_lightgbm, name, model, 5), request_rows(features)
    )


BUILDERS: dict[str, Callable[[str], Case]] = {
    "xgboost-binary": xgboost_binary,
    "xgboost-multiclass": xgboost_multiclass,
    "xgboost-regressor": xgboost_regressor,
    "lightgbm-classifier": lightgbm_classifier,
    "lightgbm-regressor": lightgbm_regressor,
}
