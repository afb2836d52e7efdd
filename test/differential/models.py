"""Small models, saved as MLflow saves them, each with rows that it takes."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cloudpickle
import lightgbm
import mlflow
import numpy as np
import onnx
import pandas as pd
import xgboost
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline


@dataclass(frozen=True)
class Model:
    name: str
    graph: onnx.ModelProto | None
    inputs: Schema | None
    """Rows of a table, as dictionaries of what JSON has."""
    rows: list[dict]
    """Name of the one input that takes all columns side by side, or None for an input a column."""
    matrix: str | None = None
    types: dict[str, str] = field(default_factory=dict)
    """Saves a model of another flavor, with the signature given, to the path given."""
    flavor: Callable[[ModelSignature | None, str], None] | None = None
    params: ParamSchema | None = None

    @property
    def columns(self) -> list[str]:
        return list(self.rows[0])

    def save(self, folder: Path) -> Path:
        signature = None if self.inputs is None else ModelSignature(inputs=self.inputs, params=self.params)
        if self.flavor is not None:
            self.flavor(signature, str(folder / self.name))
            return folder / self.name
        mlflow.onnx.save_model(self.graph, str(folder / self.name), signature=signature)
        return folder / self.name


RANDOM = np.random.default_rng(20)


def houses(count: int = 200) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "area": RANDOM.uniform(20, 200, count).round(2),
            "rooms": RANDOM.integers(1, 9, count),
            "age": RANDOM.integers(0, 90, count).astype(float),
        }
    )


def price(frame: pd.DataFrame) -> np.ndarray:
    return (frame["area"] * 2.5 + frame["rooms"] * 7 - frame["age"] * 0.4 + 3).to_numpy()


def trained_matrix(model, target: np.ndarray, **options) -> onnx.ModelProto:
    frame = houses()
    model.fit(frame.to_numpy(np.float32), target(frame))
    return to_onnx(model, initial_types=[("X", FloatTensorType([None, 3]))], options=options or None)


def house_rows() -> list[dict]:
    return [{"area": 51.25, "rooms": 3, "age": 12.0}, {"area": 120.5, "rooms": 5, "age": 0.5}, {"area": 33, "rooms": 1, "age": 80}]


HOUSE_TYPES = {"area": "double", "rooms": "long", "age": "double"}
HOUSE_COLUMNS = Schema([ColSpec("double", "area"), ColSpec("long", "rooms"), ColSpec("double", "age", required=False)])
MATRIX = Schema([TensorSpec(np.dtype(np.float32), (-1, 3))])


def regression() -> onnx.ModelProto:
    return trained_matrix(LinearRegression(), price)


def classifier(labels: list, **options) -> onnx.ModelProto:
    def target(frame: pd.DataFrame) -> np.ndarray:
        steps = np.quantile(price(frame), np.arange(1, len(labels)) / len(labels))
        return np.array(labels)[np.digitize(price(frame), steps)]

    model = make_pipeline(SimpleImputer(), LogisticRegression(C=0.01, max_iter=2000))
    return trained_matrix(model, target, **options)


def softmax() -> onnx.ModelProto:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [3, 3], (np.arange(9) / 50).tolist())
    nodes = [helper.make_node("MatMul", ["X", "w"], ["z"]), helper.make_node("Softmax", ["z"], ["scores"])]
    return graph(
        nodes,
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])],
        [weights],
    )


def graph(nodes, inputs, outputs, constants) -> onnx.ModelProto:
    made = helper.make_graph(nodes, "made", inputs, outputs, constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def mixed() -> onnx.ModelProto:
    """A number, an integer, a text and a boolean, each an input of one axis: score = amount / 2 + count / 10 + 2 red + 3 new."""
    axis = ["n"]
    inputs = [
        helper.make_tensor_value_info("amount", TensorProto.DOUBLE, axis),
        helper.make_tensor_value_info("count", TensorProto.INT64, axis),
        helper.make_tensor_value_info("color", TensorProto.STRING, axis),
        helper.make_tensor_value_info("is_new", TensorProto.BOOL, axis),
    ]
    constants = [
        helper.make_tensor("half", TensorProto.DOUBLE, [], [0.5]),
        helper.make_tensor("tenth", TensorProto.DOUBLE, [], [0.1]),
        helper.make_tensor("two", TensorProto.DOUBLE, [], [2.0]),
        helper.make_tensor("three", TensorProto.DOUBLE, [], [3.0]),
        helper.make_tensor("red", TensorProto.STRING, [], [b"red"]),
    ]
    to_double = {"to": TensorProto.DOUBLE}
    nodes = [
        helper.make_node("Cast", ["count"], ["counts"], **to_double),
        helper.make_node("Equal", ["color", "red"], ["is_red"]),
        helper.make_node("Cast", ["is_red"], ["reds"], **to_double),
        helper.make_node("Cast", ["is_new"], ["news"], **to_double),
        helper.make_node("Mul", ["amount", "half"], ["a"]),
        helper.make_node("Mul", ["counts", "tenth"], ["b"]),
        helper.make_node("Mul", ["reds", "two"], ["c"]),
        helper.make_node("Mul", ["news", "three"], ["d"]),
        helper.make_node("Sum", ["a", "b", "c", "d"], ["score"]),
    ]
    return graph(nodes, inputs, [helper.make_tensor_value_info("score", TensorProto.DOUBLE, axis)], constants)


MIXED_TYPES = {"amount": "double", "count": "long", "color": "string", "is_new": "boolean"}
MIXED_ROWS = [
    {"amount": 1.5, "count": 4, "color": "red", "is_new": True},
    {"amount": -20.25, "count": 0, "color": "blue", "is_new": False},
    {"amount": 7, "count": -3, "color": "grün, hell", "is_new": True},
]
MIXED_COLUMNS = Schema([ColSpec(kind, name) for name, kind in MIXED_TYPES.items()])
MIXED_TENSORS = Schema(
    [
        TensorSpec(np.dtype(np.float64), (-1,), "amount"),
        TensorSpec(np.dtype(np.int64), (-1,), "count"),
        TensorSpec(np.dtype(np.str_), (-1,), "color"),
        TensorSpec(np.dtype(np.bool_), (-1,), "is_new"),
    ]
)


def fitted(model, target=price):
    frame = houses()
    return model.fit(frame, target(frame))


def level(frame: pd.DataFrame) -> np.ndarray:
    return np.array(["low", "high", "top"])[np.digitize(price(frame), np.quantile(price(frame), [0.3, 0.6]))]


class Scaled(mlflow.pyfunc.PythonModel):
    """A model of one's own, with an inference parameter."""

    def predict(self, context, model_input, params=None):
        return (model_input["area"] * (params or {}).get("factor", 1.0) + model_input["rooms"]).tolist()


def by_sklearn(model, **options):
    return lambda signature, path: mlflow.sklearn.save_model(model, path, signature=signature, **options)


def python_flavors() -> list[Model]:
    """Models that Python runs."""
    rows = house_rows()
    pipeline = fitted(make_pipeline(SimpleImputer(), LogisticRegression(C=0.01, max_iter=2000)), level)
    numbers = fitted(make_pipeline(SimpleImputer(), LinearRegression()))
    boosted = fitted(xgboost.XGBRegressor(n_estimators=10, max_depth=3))
    light = fitted(lightgbm.LGBMRegressor(n_estimators=10, verbose=-1))

    def table(name: str, flavor, **more) -> Model:
        return Model(name, None, HOUSE_COLUMNS, rows, None, HOUSE_TYPES, flavor, **more)

    return [
        table("python-pickle", by_sklearn(pipeline, serialization_format="pickle")),
        table("python-cloudpickle", by_sklearn(numbers, serialization_format="cloudpickle")),
        table("python-skops", by_sklearn(pipeline, skops_trusted_types=["numpy.dtype"])),
        table("python-xgboost", lambda signature, path: mlflow.xgboost.save_model(boosted, path, signature=signature)),
        table("python-lightgbm", lambda signature, path: mlflow.lightgbm.save_model(light, path, signature=signature)),
        table(
            "python-pyfunc",
            lambda signature, path: mlflow.pyfunc.save_model(path, python_model=Scaled(), signature=signature),
            params=ParamSchema([ParamSpec("factor", "double", 1.0)]),
        ),
        Model("python-bare", None, None, rows, None, {}, by_sklearn(numbers, serialization_format="pickle")),
    ]


# The classes of models go with them.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def all_models() -> list[Model]:
    rows = house_rows()
    zip_map = {"zipmap": True}
    no_map = {"zipmap": False}
    return [
        Model("regression-columns", regression(), HOUSE_COLUMNS, rows, "X", HOUSE_TYPES),
        Model("classifier-columns", classifier(["low", "high", "top"], **zip_map), HOUSE_COLUMNS, rows, "X", HOUSE_TYPES),
        Model("mixed-columns", mixed(), MIXED_COLUMNS, MIXED_ROWS, None, MIXED_TYPES),
        Model("softmax-columns", softmax(), HOUSE_COLUMNS, rows, "X", HOUSE_TYPES),
        Model("matrix-columns", classifier([0, 1], **no_map), HOUSE_COLUMNS, rows, "X", HOUSE_TYPES),
        Model("regression-tensor", regression(), MATRIX, rows, "X"),
        Model("classifier-tensor", classifier([0, 1, 2], **no_map), MATRIX, rows, "X"),
        Model("map-tensor", classifier([0, 1, 2], **zip_map), MATRIX, rows, "X"),
        Model("mixed-tensors", mixed(), MIXED_TENSORS, MIXED_ROWS, None, MIXED_TYPES),
        Model("regression-bare", regression(), None, rows, "X"),
        *python_flavors(),
    ]
