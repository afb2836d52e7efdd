"""Ensembles of trees inside a graph that computes in float64.

Each library compares in a precision of its own: scikit-learn's trees and XGBoost cast their input to float32, LightGBM and
histogram boosting compare float64. The converters of skl2onnx and onnxmltools are kept, between a cast to that precision and
one back, and their thresholds stay float64 where the comparison is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper
from skl2onnx import update_registered_converter
from skl2onnx.common._registration import get_converter, get_shape_calculator
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType

FLOAT32_INSIDE = (
    "SklearnDecisionTreeClassifier",
    "SklearnDecisionTreeRegressor",
    "SklearnExtraTreeClassifier",
    "SklearnExtraTreeRegressor",
    "SklearnExtraTreesClassifier",
    "SklearnExtraTreesRegressor",
    "SklearnGradientBoostingClassifier",
    "SklearnGradientBoostingRegressor",
    "SklearnRandomForestClassifier",
    "SklearnRandomForestRegressor",
)
#: With the node that each becomes.
FLOAT64_INSIDE = {
    "SklearnHistGradientBoostingClassifier": "TreeEnsembleClassifier",
    "SklearnHistGradientBoostingRegressor": "TreeEnsembleRegressor",
}

PROTO = {DoubleTensorType: TensorProto.DOUBLE, FloatTensorType: TensorProto.FLOAT}
LABELS = (Int64TensorType, StringTensorType)

#: Attributes of numbers that a tree ensemble takes as float64 tensors too.
NUMBERS = (
    "nodes_values",
    "nodes_hitrates",
    "target_weights",
    "class_weights",
    "base_values",
)


class Ensembles:
    """A container of nodes that puts right what the converters leave out of tree ensembles."""

    def __init__(self, container: Any, *, exact: bool, trees: list[Any]) -> None:
        self._container = container
        self._exact = exact
        self._trees = trees

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, op_type: str, inputs: Any, outputs: Any, **attributes: Any) -> Any:
        if op_type.startswith("TreeEnsemble"):
            if self._trees:
                nodes = zip(attributes["nodes_treeids"], attributes["nodes_nodeids"], strict=True)
                ways = [int(self._trees[tree].missing_go_to_left[node]) for tree, node in nodes]
                attributes["nodes_missing_value_tracks_true"] = ways
            if self._exact:
                attributes = in_float64(attributes)
        return self._container.add_node(op_type, inputs, outputs, **attributes)


def in_float64(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes with their numbers as tensors, which helpers would round to float32."""
    exact = dict(attributes, op_version=3)
    for name in NUMBERS:
        values = exact.pop(name, None)
        if values is not None and len(values) > 0:
            array = np.asarray(values, dtype=np.float64)
            exact[f"{name}_as_tensor"] = numpy_helper.from_array(array, f"{name}_as_tensor")
    return exact


def trees_of(model: Any) -> list[Any]:
    """The trees of scikit-learn that know where a missing number goes; none where the model takes no missing ones."""
    if hasattr(model, "tree_"):
        trees = [model.tree_]
    else:
        estimators = getattr(model, "estimators_", [])
        trees = [each.tree_ for each in np.ravel(estimators) if hasattr(each, "tree_")]
    return trees if all(hasattr(tree, "missing_go_to_left") for tree in trees) else []


class Inner:
    """An operator with other inputs and outputs."""

    def __init__(self, operator: Any, source: Any, outputs: list[Any]) -> None:
        self._operator = operator
        self.inputs = [source]
        self.outputs = outputs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operator, name)

    @property
    def input_full_names(self) -> list[str]:
        return [variable.full_name for variable in self.inputs]

    @property
    def output_full_names(self) -> list[str]:
        return [variable.full_name for variable in self.outputs]


def wrap(model_class: type, alias: str, inside: Any, *, exact: bool = False) -> None:
    """Register the converter of `alias` for a class anew, computing in `inside` whatever is around it."""
    registered = get_converter(alias)
    # From version 3 of the node on the converter leaves thresholds in float64.
    version = (FLOAT64_INSIDE[alias], "ai.onnx.ml", 3) if alias in FLOAT64_INSIDE else ()
    shape_as_it_is = get_shape_calculator(alias)

    def convert(scope: Any, operator: Any, container: Any) -> None:
        given = operator.inputs[0]
        source = scope.declare_local_variable("cast_input", inside(list(given.type.shape)))
        container.add_node("Cast", [given.full_name], [source.full_name], to=PROTO[inside])
        made = []
        for output in operator.outputs:
            kind = type(output.type) if type(output.type) in LABELS else FloatTensorType
            made.append(scope.declare_local_variable("own_output", kind(list(output.type.shape))))
        inner = Inner(operator, source, made)
        fixed = Ensembles(container, exact=exact, trees=trees_of(operator.raw_operator))
        registered(scope, inner, fixed, *version)
        for own, output in zip(made, operator.outputs, strict=True):
            kind = type(output.type)
            if kind in LABELS:
                container.add_node("Identity", [own.full_name], [output.full_name])
            else:
                container.add_node("Cast", [own.full_name], [output.full_name], to=PROTO[kind])

    options = getattr(registered, "_options", None)
    update_registered_converter(model_class, f"Slipway{alias}", shape_as_it_is, convert, options=options)
