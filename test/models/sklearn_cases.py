"""scikit-learn models converted with skl2onnx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

import readers
from case import Case, Reader, classified, saver, valued, versions
from tables import (
    CUSTOMER,
    HOUSE,
    Columns,
    customer_edges,
    customers,
    frame,
    house_edges,
    houses,
    matrix,
    price,
    rounded,
    sample,
    spending,
)

SEED = 7
LIBRARY = versions("skl2onnx", "scikit-learn")
OPSET = {"": 17, "ai.onnx.ml": 3}
COLUMN_TYPES = {"float32": FloatTensorType, "int64": Int64TensorType, "str": StringTensorType}


def convert(name: str, model: Any, inputs: list[tuple[str, Any]], **options: Any) -> onnx.ModelProto:
    """Convert a fitted model; `options` are skl2onnx options such as zipmap=False.

    skl2onnx imports the operator sets in an order that changes from run to run.
    """
    chosen = {id(model): options} if options else None
    converted = convert_sklearn(model, name, initial_types=inputs, target_opset=OPSET, options=chosen)
    converted.opset_import.sort(key=lambda opset: opset.domain)
    return converted


def column_inputs(columns: Columns) -> list[tuple[str, Any]]:
    """Declare one [N,1] tensor per column."""
    return [(name, COLUMN_TYPES[kind]([None, 1])) for name, kind in columns.items()]


def matrix_input(width: int) -> list[tuple[str, Any]]:
    """Declare one float matrix."""
    return [("X", FloatTensorType([None, width]))]


def table_pipeline(columns: Columns, estimator: Any) -> Any:
    """Scale the numbers (floats may be missing), one-hot encode the strings, apply `estimator`."""
    prepare = {
        "float32": make_pipeline(SimpleImputer(), StandardScaler()),
        "int64": StandardScaler(),
        "str": OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    }
    steps = [
        (kind, prepare[kind], [name for name, k in columns.items() if k == kind])
        for kind in dict.fromkeys(columns.values())
    ]
    return make_pipeline(ColumnTransformer(steps), estimator)


def classifier_case(
    name: str, model: Any, onnx_model: onnx.ModelProto, rows: Any, features: Any, read: Reader, notes: str
) -> Case:
    """Build a case whose expected answers are the model's predict and predict_proba."""
    expected = classified(model.predict(features), model.classes_, model.predict_proba(features))
    return Case(name, LIBRARY, "classification", rows, expected, 1e-5, notes, saver(onnx_model), read)


def regressor_case(
    name: str, model: Any, onnx_model: onnx.ModelProto, rows: Any, features: Any, notes: str
) -> Case:
    """Build a case whose expected answers are the model's predict."""
    expected = valued(model.predict(features))
    return Case(name, LIBRARY, "regression", rows, expected, 1e-5, notes, saver(onnx_model), readers.values)


def iris_rows() -> list[list[float]]:
    """Return iris flowers and a few flowers no garden has."""
    edges = [[0.0] * 4, [-1000.0, 1000.0, -1000.0, 1000.0], [1e6] * 4, [5, 3, 1, 0], [1e-30] * 4]
    return sample(rounded(load_iris().data), 25) + edges


def iris_zipmap(name: str) -> Case:
    """Matrix input, int labels, default options."""
    data = load_iris()
    model = LogisticRegression(max_iter=500).fit(matrix(data.data), data.target)
    rows = iris_rows()
    notes = "Default options: label int64[N] and ZipMap sequence of int64-keyed maps."
    onnx_model = convert(name, model, matrix_input(4))
    return classifier_case(name, model, onnx_model, rows, matrix(rows), readers.zipmap, notes)


def zipmap_columns(name: str) -> Case:
    """One probability output per class."""
    data = load_iris()
    names = np.array(["setosa", "versicolor", "virginica"])[data.target]
    model = LogisticRegression(max_iter=500).fit(matrix(data.data), names)
    rows = iris_rows()
    notes = "zipmap='columns': a string label and one float[N,1] output per class."
    onnx_model = convert(name, model, matrix_input(4), zipmap="columns")
    return classifier_case(
        name, model, onnx_model, rows, matrix(rows), readers.label_and_columns(model.classes_), notes
    )


def bool_labels(name: str) -> Case:
    """Boolean labels."""
    data = load_iris()
    model = LogisticRegression(max_iter=500).fit(matrix(data.data), data.target == 2)
    rows = iris_rows()
    onnx_model = convert(name, model, matrix_input(4), zipmap=False)
    answers = classified(
        model.predict(matrix(rows)).astype(int), model.classes_.astype(int), model.predict_proba(matrix(rows))
    )
    notes = "Trained on bool labels; skl2onnx gives int64 labels, so true is 1 and false is 0."
    read = readers.label_and_matrix((0, 1))
    return Case(name, LIBRARY, "classification", rows, answers, 1e-5, notes, saver(onnx_model), read)


def strings_zipmap(name: str) -> Case:
    """One tensor per column, three string labels, default options."""
    table = customers(300, SEED)
    labels = np.array(["low", "mid level", "high"])[np.digitize(spending(table), [3.0, 4.5])]
    forest = RandomForestClassifier(n_estimators=6, max_depth=4, random_state=SEED)
    model = table_pipeline(CUSTOMER, forest).fit(frame(table, CUSTOMER), labels)
    rows = customers(20, SEED + 1) + customer_edges()
    notes = (
        "One tensor per column; null numbers are imputed, unknown categories ignored; string-keyed ZipMap."
    )
    onnx_model = convert(name, model, column_inputs(CUSTOMER))
    return classifier_case(name, model, onnx_model, rows, frame(rows, CUSTOMER), readers.zipmap, notes)


def fit_churn() -> Any:
    """Fit a gradient boosting pipeline that answers "churn" or "stay"."""
    table = customers(300, SEED)
    labels = np.where(spending(table) > 3.5, "stay", "churn")
    boosting = GradientBoostingClassifier(n_estimators=10, max_depth=3, random_state=SEED)
    return table_pipeline(CUSTOMER, boosting).fit(frame(table, CUSTOMER), labels)


def strings_nozipmap(name: str) -> Case:
    """One tensor per column, two string labels, a probability matrix."""
    model = fit_churn()
    rows = customers(20, SEED + 2) + customer_edges()
    notes = "zipmap=False: label string[N], probabilities float[N,2] in the order churn, stay."
    onnx_model = convert(name, model, column_inputs(CUSTOMER), zipmap=False)
    read = readers.label_and_matrix(model.classes_)
    return classifier_case(name, model, onnx_model, rows, frame(rows, CUSTOMER), read, notes)


def hgb_missing(name: str) -> Case:
    """A model that learned from missing values."""
    data = load_breast_cancer()
    rng = np.random.default_rng(SEED)
    table = data.data[:, :6].round(3)
    table[rng.random(table.shape) < 0.15] = np.nan
    model = HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=8, random_state=SEED)
    model.fit(table.astype(np.float32), data.target)
    known = [[None if np.isnan(v) else v for v in row] for row in table.tolist()]
    rows = sample(known, 22) + [[None] * 6, [1e30] * 6, [-1e30] * 6, [None, 0.0, None, 0.0, None, 0.0]]
    notes = "null (NaN) is a learned value in every column. zipmap=False."
    onnx_model = convert(name, model, matrix_input(6), zipmap=False)
    read = readers.label_and_matrix(model.classes_)
    return classifier_case(name, model, onnx_model, rows, matrix(rows), read, notes)


def svc(name: str) -> Case:
    """A support vector machine, whose label need not be the most probable class."""
    data = load_wine()
    features = data.data[:, [0, 6, 9, 11]]
    model = make_pipeline(StandardScaler(), SVC(probability=True, random_state=SEED))
    model.fit(matrix(features), data.target)
    less_probable = [[12.0, 1.2, 4.2, 1.4], [12.8, 1.5, 4.8, 1.7]]
    rows = sample(rounded(features), 22) + [[13, 2, 5, 3], [100.0] * 4, [0.0] * 4, *less_probable]
    notes = (
        "The label comes from the decision function; in the last 2 rows it is not the most probable class."
    )
    onnx_model = convert(name, model, matrix_input(4), zipmap=False)
    read = readers.label_and_matrix(model.classes_)
    return classifier_case(name, model, onnx_model, rows, matrix(rows), read, notes)


def ridge(name: str) -> Case:
    """Linear regression on a matrix."""
    data = load_diabetes()
    model = Ridge(alpha=0.1).fit(matrix(data.data), data.target)
    rows = sample(rounded(data.data, 4), 22) + [[0] * 10, [1000.0] * 10, [-0.5, 0.5] * 5]
    notes = "One float[N,1] output."
    return regressor_case(name, model, convert(name, model, matrix_input(10)), rows, matrix(rows), notes)


def gbr(name: str) -> Case:
    """Mixed column types with an int64 column."""
    table = houses(300, SEED)
    boosting = GradientBoostingRegressor(n_estimators=12, max_depth=3, random_state=SEED)
    model = table_pipeline(HOUSE, boosting).fit(frame(table, HOUSE), price(table))
    rows = houses(20, SEED + 1) + house_edges()
    notes = "area float, rooms int64, district string; unknown districts are ignored."
    onnx_model = convert(name, model, column_inputs(HOUSE))
    return regressor_case(name, model, onnx_model, rows, frame(rows, HOUSE), notes)


def multioutput(name: str) -> Case:
    """Three targets per row."""
    features = matrix(rounded(load_iris().data))[:, :3]
    targets = np.column_stack([features.sum(axis=1), features[:, 0] * features[:, 1], -features[:, 2]])
    model = RandomForestRegressor(n_estimators=4, max_depth=4, random_state=SEED).fit(features, targets)
    rows = [row[:3] for row in iris_rows()]
    notes = "The output is float[N,3] although skl2onnx declares [N,1]; prediction is an array of 3 numbers."
    return regressor_case(name, model, convert(name, model, matrix_input(3)), rows, matrix(rows), notes)


def two_matrices(name: str) -> Case:
    """A numeric and a string matrix input."""
    table = customers(300, SEED)
    rng = np.random.default_rng(SEED)
    train = [_two_matrix_row(row, rng) for row in table]
    rows = [_two_matrix_row(row, rng) for row in customers(20, SEED + 3) + customer_edges()]
    columns = ColumnTransformer(
        [
            ("num", make_pipeline(SimpleImputer(), StandardScaler()), [0, 1, 2]),
            ("cat", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [3, 4]),
        ]
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=500))
    model.fit(_two_matrix_frame(train), np.where(spending(table) > 3.5, "stay", "churn"))
    inputs = [("num", FloatTensorType([None, 3])), ("cat", StringTensorType([None, 2]))]
    notes = "num float[N,3], cat string[N,2]; null allowed in num, unknown categories ignored."
    onnx_model = convert(name, model, inputs, zipmap=False)
    read = readers.label_and_matrix(model.classes_)
    return classifier_case(name, model, onnx_model, rows, _two_matrix_frame(rows), read, notes)


def _two_matrix_row(customer: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    tenure = round(rng.uniform(0, 12), 1)
    return {"num": [customer["age"], customer["income"], tenure], "cat": [customer["city"], customer["plan"]]}


def _two_matrix_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    numbers = pd.DataFrame(matrix([row["num"] for row in rows]))
    strings = pd.DataFrame([row["cat"] for row in rows], columns=[3, 4])
    return pd.concat([numbers, strings], axis=1)


BUILDERS: dict[str, Callable[[str], Case]] = {
    "sklearn-iris-zipmap": iris_zipmap,
    "sklearn-strings-zipmap": strings_zipmap,
    "sklearn-strings-nozipmap": strings_nozipmap,
    "sklearn-zipmap-columns": zipmap_columns,
    "sklearn-bool-labels": bool_labels,
    "sklearn-hgb-missing": hgb_missing,
    "sklearn-svc": svc,
    "sklearn-ridge": ridge,
    "sklearn-gbr": gbr,
    "sklearn-multioutput-regression": multioutput,
    "two-matrix-inputs": two_matrices,
}
