"""Folders that mlflow saved, loaded by mlflow and, where it is not installed, by the flavour's own library."""

import base64
import datetime
import json
import sys

import lightgbm
import mlflow
import numpy as np
import pandas as pd
import pytest
import xgboost
from conftest import assert_labels, assert_numbers, columns_of, labels_for
from mlflow.models import infer_signature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from slipway_worker.models import Columns, MissingPackages, ModelUnreadable, load

FIELDS = ["age", "income", "city", "plan"]


@pytest.fixture(params=["mlflow", "own library"])
def library(request, monkeypatch):
    """Whether mlflow is installed when the model is loaded; it is when the model is saved."""

    def load_it(folder, **more):
        if request.param == "own library":
            monkeypatch.setitem(sys.modules, "mlflow", None)
        return load(folder, "MLmodel", **more)

    return load_it


def pipeline(table):
    steps = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
            ("texts", OneHotEncoder(), ["city", "plan"]),
        ]
    )
    return make_pipeline(steps, LogisticRegression()).fit(table[FIELDS], labels_for(table))


@pytest.mark.parametrize("form", ["skops", "cloudpickle", "pickle"])
@pytest.mark.parametrize("signed", [True, False], ids=["signature", "no signature"])
def test_scikit_learn(tmp_path, table, library, form, signed):
    model = pipeline(table)
    signature = infer_signature(table[FIELDS], model.predict(table[FIELDS])) if signed else None
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        serialization_format=form,
        signature=signature,
        pip_requirements=[],
        skops_trusted_types=["numpy.dtype"],
    )
    loaded = library(tmp_path / "model")
    assert_labels(loaded.predict(columns_of(table)), model.predict(table[FIELDS]), model.predict_proba(table[FIELDS]))
    assert [field["name"] for field in loaded.facts["inputs"]] == FIELDS
    assert [field.get("categories") for field in loaded.facts["inputs"]][2:] == [
        ["Oslo", "Paris", "Rome"],
        ["basic", "pro"],
    ]
    assert loaded.facts["executes_code"] is True


def test_skops_of_known_types_executes_no_code(tmp_path, matrix, library):
    model = LinearRegression().fit(matrix, matrix[:, 0])
    mlflow.sklearn.save_model(model, tmp_path / "model", serialization_format="skops", pip_requirements=[])
    loaded = library(tmp_path / "model")
    assert loaded.facts["executes_code"] is False
    assert_numbers(loaded.predict(columns_of(matrix)), model.predict(matrix))


def test_trees_in_skops_with_the_types_that_the_author_trusts(tmp_path, matrix, library):
    model = RandomForestClassifier(5, random_state=0).fit(matrix, matrix[:, 0] > 0)
    trusted = ["numpy.dtype", "sklearn.tree._tree.Tree"]
    mlflow.sklearn.save_model(
        model, tmp_path / "model", serialization_format="skops", skops_trusted_types=trusted, pip_requirements=[]
    )
    output = library(tmp_path / "model").predict(columns_of(matrix))
    assert_labels(output, model.predict(matrix), model.predict_proba(matrix))


def test_a_tensor_signature(tmp_path, matrix, library):
    model = LinearRegression().fit(matrix, matrix[:, 0])
    mlflow.sklearn.save_model(
        model, tmp_path / "model", signature=infer_signature(matrix), pip_requirements=[], serialization_format="skops"
    )
    loaded = library(
        tmp_path / "model", declared={"inputs": [{"name": None, "type": "float64", "required": True, "shape": [-1, 6]}]}
    )
    assert (loaded.facts["inputs"], loaded.facts["width"]) == (None, 6)
    assert_numbers(loaded.predict(columns_of(matrix)), model.predict(matrix))


@pytest.mark.parametrize("kind", ["classifier", "regressor", "booster"])
def test_xgboost(tmp_path, table, library, kind):
    numbers = table[["age", "income"]]
    target = (table["age"] > 40).astype(int)
    if kind == "booster":
        data = xgboost.DMatrix(numbers, target)
        model = xgboost.train({"objective": "binary:logistic"}, data, 5)
        expected = model.predict(data)
    else:
        model = {"classifier": xgboost.XGBClassifier, "regressor": xgboost.XGBRegressor}[kind](n_estimators=5)
        model.fit(numbers, target)
        expected = model.predict(numbers)
    mlflow.xgboost.save_model(model, tmp_path / "model", signature=infer_signature(numbers), pip_requirements=[])
    loaded = library(tmp_path / "model")
    assert (loaded.facts["kind"], loaded.facts["executes_code"]) == ("xgboost", False)
    output = loaded.predict(columns_of(table))
    if kind == "classifier":
        assert_labels(output, expected, model.predict_proba(numbers))
    else:
        assert_numbers(output, expected)


def test_a_booster_that_is_declared_a_classifier_answers_labels(tmp_path, matrix, library):
    target = (matrix[:, 0] > 0).astype(int)
    model = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(matrix, target), 5)
    mlflow.xgboost.save_model(model, tmp_path / "model", pip_requirements=[])
    output = library(tmp_path / "model", declared={"inputs": None, "task": "classification"}).predict(
        columns_of(matrix)
    )
    positive = model.predict(xgboost.DMatrix(matrix))
    assert_labels(output, (positive > 0.5).astype(int), np.column_stack([1 - positive, positive]))


@pytest.mark.parametrize("kind", ["classifier", "regressor", "booster"])
def test_lightgbm(tmp_path, table, library, kind):
    numbers = table[["age", "income"]]
    target = (table["age"] > 40).astype(int)
    if kind == "booster":
        model = lightgbm.train(
            {"objective": "multiclass", "num_class": 2, "verbose": -1}, lightgbm.Dataset(numbers, target), 5
        )
    else:
        model = {"classifier": lightgbm.LGBMClassifier, "regressor": lightgbm.LGBMRegressor}[kind](
            n_estimators=5, verbose=-1
        )
        model.fit(numbers, target)
    mlflow.lightgbm.save_model(
        model,
        tmp_path / "model",
        signature=infer_signature(numbers),
        pip_requirements=[],
        serialization_format="cloudpickle",
    )
    loaded = library(tmp_path / "model")
    assert (loaded.facts["kind"], loaded.facts["executes_code"]) == ("lightgbm", kind != "booster")
    output = loaded.predict(columns_of(table))
    if kind == "classifier":
        assert_labels(output, model.predict(numbers), model.predict_proba(numbers))
    elif kind == "regressor":
        assert_numbers(output, model.predict(numbers))
    else:
        np.testing.assert_allclose(output.predictions, model.predict(numbers))


def test_predict_proba_as_the_models_predict(tmp_path, matrix):
    model = LogisticRegression().fit(matrix, matrix[:, 0] > 0)
    mlflow.sklearn.save_model(
        model, tmp_path / "model", pyfunc_predict_fn="predict_proba", pip_requirements=[], serialization_format="skops"
    )
    loaded = load(tmp_path / "model", "MLmodel")
    assert (loaded.facts["kind"], loaded.facts["task"]) == ("pyfunc", "generic")
    np.testing.assert_allclose(loaded.predict(columns_of(matrix)).predictions, model.predict_proba(matrix))


class Scaled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["age"] * params["factor"] + (1000 if params["shout"] else 0)


class Rows(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        types = [str(dtype) for dtype in model_input.dtypes]
        rows = model_input.itertuples(index=False)
        return [{"seen": list(row), "types": types, "last": type(row[-1]).__name__} for row in rows]


class Lists(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return [text.upper() for text in model_input]


class Tensors(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        if isinstance(model_input, dict):
            return {
                "sum": model_input["a"].sum(axis=(1, 2)),
                "kind": [str(model_input["b"].dtype)] * len(model_input["b"]),
            }
        return model_input.reshape(len(model_input), -1).sum(axis=1)


def save(folder, model, signature=None):
    mlflow.pyfunc.save_model(folder, python_model=model, signature=signature, pip_requirements=[])


def test_params_with_their_defaults(tmp_path, table):
    schema = ParamSchema([ParamSpec("factor", DataType.double, 2.0), ParamSpec("shout", DataType.boolean, False)])
    signature = mlflow.models.ModelSignature(inputs=Schema([ColSpec("long", "age")]), params=schema)
    save(tmp_path / "model", Scaled(), signature)
    loaded = load(tmp_path / "model", "MLmodel")
    age = table["age"].to_numpy()
    assert_numbers(loaded.predict(columns_of(table)), age * 2)
    assert_numbers(loaded.predict(columns_of(table), {"factor": 3, "shout": True}), age * 3 + 1000)
    assert (loaded.facts["executes_code"], loaded.facts["task"]) == (True, "generic")


def test_columns_of_every_type(tmp_path):
    types = ["boolean", "integer", "long", "float", "double", "string", "datetime", "binary"]
    save(
        tmp_path / "model", Rows(), mlflow.models.ModelSignature(inputs=Schema([ColSpec(kind, kind) for kind in types]))
    )
    loaded = load(tmp_path / "model", "MLmodel")
    columns = Columns(
        types,
        2,
        {
            "boolean": np.array([True, False]),
            "integer": np.array([1, 2], np.int32),
            "long": np.array([2**40, 2]),
            "float": np.array([0.5, 1], np.float32),
            "double": np.array([0.1, np.nan]),
            "string": ["a", "ß"],
            "datetime": ["2026-03-01T10:00:00Z", "2026-03-01T12:00:00.500+02:00"],
            "binary": [base64.b64encode(b"\x00ok").decode(), base64.b64encode(b"").decode()],
        },
    )
    first, second = loaded.predict(columns).predictions
    assert first["types"] == ["bool", "int32", "int64", "float32", "float64", "object", "datetime64[ns]", "object"]
    assert first["last"] == "bytes"
    assert first["seen"] == [True, 1, 2**40, 0.5, 0.1, "a", "2026-03-01T10:00:00", "AG9r"]
    assert second["seen"] == [False, 2, 2, 1.0, None, "ß", "2026-03-01T10:00:00.500000", ""]


def test_optional_columns_that_are_left_out(tmp_path):
    optional = [ColSpec(kind, kind, required=False) for kind in ("double", "string", "datetime")]
    save(tmp_path / "model", Rows(), mlflow.models.ModelSignature(inputs=Schema([ColSpec("long", "id"), *optional])))
    loaded = load(tmp_path / "model", "MLmodel")
    assert [field["required"] for field in loaded.facts["inputs"]] == [True, False, False, False]
    columns = Columns(
        ["id", "double", "string"], 1, {"id": np.array([1]), "double": np.array([np.nan]), "string": [None]}
    )
    assert loaded.predict(columns).predictions[0]["seen"] == [1, None, None, None]


def test_without_a_signature_columns_go_as_they_come(tmp_path, table):
    save(tmp_path / "model", Rows())
    loaded = load(tmp_path / "model", "MLmodel")
    assert (loaded.facts["inputs"], loaded.facts["width"]) == (None, None)
    row = loaded.predict(columns_of(table[["plan", "age"]])).predictions[0]
    assert (row["seen"], row["types"]) == ([table["plan"][0], int(table["age"][0])], ["object", "int64"])


def test_a_list_by_its_type_hint(tmp_path):
    save(tmp_path / "model", Lists())
    loaded = load(tmp_path / "model", "MLmodel")
    assert loaded.predict(Columns(["input"], 2, {"input": ["a", "bc"]})).predictions == ["A", "BC"]


def test_tensors(tmp_path):
    one = mlflow.models.ModelSignature(inputs=Schema([TensorSpec(np.dtype("float32"), (-1, 2, 3))]))
    save(tmp_path / "one", Tensors(), one)
    values = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    loaded = load(tmp_path / "one", "MLmodel")
    assert loaded.facts["inputs"] == [
        {"name": "input", "type": "float32", "required": True, "nullable": False, "shape": [2, 3]}
    ]
    assert_numbers(loaded.predict(Columns(["input"], 2, {"input": values.tolist()})), [15, 51])
    two = Schema([TensorSpec(np.dtype("float32"), (-1, 2, 3), "a"), TensorSpec(np.dtype("int64"), (-1,), "b")])
    save(tmp_path / "two", Tensors(), mlflow.models.ModelSignature(inputs=two))
    output = load(tmp_path / "two", "MLmodel").predict(Columns(["a", "b"], 2, {"a": values, "b": np.array([1, 2])}))
    assert output.predictions == [{"sum": 15, "kind": "int64"}, {"sum": 51, "kind": "int64"}]


def test_code_beside_the_model(tmp_path, library, monkeypatch, matrix):
    package = tmp_path / "own_steps.py"
    package.write_text("from sklearn.linear_model import LinearRegression\nclass Own(LinearRegression):\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import own_steps

    model = own_steps.Own().fit(matrix, matrix[:, 0])
    mlflow.sklearn.save_model(
        model, tmp_path / "model", code_paths=[str(package)], serialization_format="pickle", pip_requirements=[]
    )
    monkeypatch.undo()
    del own_steps, sys.modules["own_steps"]
    package.unlink()
    assert_numbers(library(tmp_path / "model").predict(columns_of(matrix)), model.predict(matrix))


def test_a_transformer_that_was_put_beside_the_folder(tmp_path, table, library):
    numbers = table[["age", "income"]].fillna(0).rename(columns={"income": "log_income"})
    model = LinearRegression().fit(numbers, numbers["age"] * 2)
    mlflow.sklearn.save_model(
        model, tmp_path / "model", signature=infer_signature(numbers), serialization_format="skops", pip_requirements=[]
    )
    (tmp_path / "model" / "feature_transformer.py").write_text(
        "def transform_raw_input(raw_data):\n    return [raw_data['born'] - 1900, raw_data.get('income', 0)]\n"
    )
    (tmp_path / "model" / "raw_input_example.json").write_text(
        json.dumps([{"born": 1980, "income": 2.5}, {"born": 1970}])
    )
    loaded = library(tmp_path / "model")
    assert [(field["name"], field["required"]) for field in loaded.facts["inputs"]] == [
        ("born", True),
        ("income", False),
    ]
    raw = pd.DataFrame({"born": table["age"] + 1900.0, "income": table["income"]})
    assert_numbers(loaded.predict(columns_of(raw)), model.predict(numbers))
    assert loaded.facts["executes_code"] is True


def test_a_model_of_mlflow_alone_needs_mlflow(tmp_path, monkeypatch):
    save(tmp_path / "model", Rows())
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingPackages) as refused:
        load(tmp_path / "model", "MLmodel")
    assert refused.value.packages == [{"package": "mlflow", "wanted": f"=={mlflow.__version__}", "found": None}]


@pytest.mark.parametrize("absent", ["skops", "xgboost", "lightgbm"])
def test_a_library_that_is_not_installed_is_named(tmp_path, monkeypatch, matrix, absent):
    saves = {
        "skops": lambda folder: mlflow.sklearn.save_model(
            LinearRegression().fit(matrix, matrix[:, 0]), folder, serialization_format="skops", pip_requirements=[]
        ),
        "xgboost": lambda folder: mlflow.xgboost.save_model(
            xgboost.XGBRegressor(n_estimators=2).fit(matrix, matrix[:, 0]), folder, pip_requirements=[]
        ),
        "lightgbm": lambda folder: mlflow.lightgbm.save_model(
            lightgbm.train({"verbose": -1}, lightgbm.Dataset(matrix, matrix[:, 0]), 2), folder, pip_requirements=[]
        ),
    }
    saves[absent](tmp_path / "model")
    for name in ("mlflow", absent):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackages) as refused:
        load(tmp_path / "model", "MLmodel")
    assert [package["package"] for package in refused.value.packages] == [absent]


def test_the_flavors_are_read_without_a_yaml_library(tmp_path, monkeypatch, matrix):
    model = RandomForestClassifier(5, random_state=0).fit(matrix, matrix[:, 0] > 0)
    trusted = ["numpy.dtype", "sklearn.tree._tree.Tree"]
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        serialization_format="skops",
        skops_trusted_types=trusted,
        signature=infer_signature(matrix),
        pip_requirements=[],
    )
    for name in ("mlflow", "yaml"):
        monkeypatch.setitem(sys.modules, name, None)
    loaded = load(tmp_path / "model", "MLmodel", {"inputs": None})
    assert_labels(loaded.predict(columns_of(matrix)), model.predict(matrix), model.predict_proba(matrix))


def test_what_is_no_mlmodel_is_refused(tmp_path):
    (tmp_path / "MLmodel").write_text("a: [")
    with pytest.raises(ModelUnreadable, match="not valid YAML"):
        load(tmp_path, "MLmodel")
    (tmp_path / "MLmodel").write_text("a: 1")
    with pytest.raises(ModelUnreadable, match="no flavors"):
        load(tmp_path, "MLmodel")


def test_dates_that_a_model_answers(tmp_path):
    class Dates(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return [datetime.date(2026, 3, 1)] * len(model_input)

    save(tmp_path / "model", Dates())
    loaded = load(tmp_path / "model", "MLmodel")
    assert loaded.predict(Columns(["a"], 2, {"a": np.array([1.0, 2.0])})).predictions == ["2026-03-01"] * 2
