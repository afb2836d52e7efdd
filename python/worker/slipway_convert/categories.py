"""Encoders and imputers as nodes that keep float64 and texts as they are.

The converters of skl2onnx go through float32 or int64 here, and have no missing text. A text tensor cannot hold a missing
value: it is `MISSING_TEXT`, which the runtime feeds for null because the graph's metadata says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

MISSING_TEXT = "\ue000missing"

NUMPY = {DoubleTensorType: np.float64, FloatTensorType: np.float32}
PROTO = {DoubleTensorType: TensorProto.DOUBLE, FloatTensorType: TensorProto.FLOAT}


class Nodes:
    """Adds nodes to the graph of one operator; each call answers with the name of what the node makes."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope = scope
        self._container = container

    def constant(self, values: Any, dtype: Any) -> str:
        name = self._scope.get_unique_variable_name("constant")
        array = np.asarray(values, dtype=dtype)
        self._container.add_initializer(name, None, None, numpy_helper.from_array(array, name))
        return name

    def texts(self, values: list[str]) -> str:
        name = self._scope.get_unique_variable_name("texts")
        self._container.add_initializer(
            name, TensorProto.STRING, [len(values)], [value.encode("utf-8") for value in values]
        )
        return name

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        made = output or self._scope.get_unique_variable_name(operator.lower())
        self._container.add_node(operator, list(inputs), [made], **attributes)
        return made

    def lookup(self, column: str, keys: list[str], values: list[int], otherwise: int) -> str:
        """Texts to whole numbers."""
        return self.add(
            "LabelEncoder",
            column,
            op_domain="ai.onnx.ml",
            op_version=2,
            keys_strings=keys,
            values_int64s=values,
            default_int64=otherwise,
        )


def is_nan(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def columns_of(operator: Any, nodes: Nodes) -> list[tuple[str, Any]]:
    """The columns of all inputs one by one, as tensors of one column, with their types."""
    columns = []
    for variable in operator.inputs:
        width = variable.type.shape[1]
        for at in range(width):
            name = variable.full_name
            if width > 1:
                name = nodes.add("Gather", name, nodes.constant([at], np.int64), axis=1)
            columns.append((name, variable.type))
    return columns


def category_index(nodes: Nodes, column: str, kind: Any, categories: Any, missing_text: Any) -> str:
    """Place of each value among the categories, int64; their number for a value that is none of them."""
    unknown = len(categories)
    if isinstance(kind, StringTensorType):
        places = {}
        for place, category in enumerate(categories):
            if is_same_missing(category, missing_text):
                places[MISSING_TEXT] = place
            elif isinstance(category, str):
                places[str(category)] = place
        # An encoder must have a key.
        places.setdefault(MISSING_TEXT, unknown)
        return nodes.lookup(column, list(places), list(places.values()), unknown)
    dtype = NUMPY[type(kind)]
    numbers = [as_number(category) for category in categories]
    is_equal = nodes.add("Equal", column, nodes.constant([numbers], dtype))
    if any(is_nan(category) for category in categories):
        place = nodes.constant([[is_nan(category) for category in categories]], np.bool_)
        is_equal = nodes.add("Or", is_equal, nodes.add("And", nodes.add("IsNaN", column), place))
    hits = nodes.add("Cast", is_equal, to=TensorProto.INT64)
    # Steps down from the place of the unknown: no hit leaves it there.
    steps = nodes.constant([place - unknown for place in range(unknown)], np.int64)
    axis = nodes.constant([1], np.int64)
    below = nodes.add("ReduceSum", nodes.add("Mul", hits, steps), axis, keepdims=1)
    return nodes.add("Add", below, nodes.constant([unknown], np.int64))


def is_same_missing(value: Any, missing_text: Any) -> bool:
    """Whether a value is what the model is given for a missing text: None and NaN are two to scikit-learn."""
    return value is None if missing_text is None else is_nan(value)


def as_number(category: Any) -> float:
    """A category as a number, or NaN, which equals nothing."""
    try:
        return float(category) if category is not None else np.nan
    except (TypeError, ValueError):
        return np.nan


def joined(nodes: Nodes, parts: list[str], output: str) -> None:
    """Columns side by side, as the operator's output."""
    if len(parts) == 1:
        nodes.add("Identity", parts[0], output=output)
    else:
        nodes.add("Concat", *parts, output=output, axis=1)


def infrequent_places(encoder: Any, at: int) -> list[int] | None:
    """For each category the place of the group that it falls into; None where rare ones are not grouped."""
    if not getattr(encoder, "_infrequent_enabled", False):
        return None
    mapping = encoder._default_to_infrequent_mappings[at]
    return None if mapping is None else [int(place) for place in mapping]


def one_hot_places(encoder: Any, at: int) -> tuple[list[int], int]:
    """Output column of each category and, last, of an unknown one (-1: none), and how many columns there are."""
    categories = encoder.categories_[at]
    grouped = infrequent_places(encoder, at)
    places = grouped or list(range(len(categories)))
    width = max(places, default=-1) + 1
    unknown = -1
    if grouped is not None and encoder.handle_unknown in ("infrequent_if_exist", "warn"):
        unknown = width - 1
    drops = getattr(encoder, "_drop_idx_after_grouping", encoder.drop_idx_)
    dropped = None if drops is None else drops[at]
    if dropped is not None:
        dropped = int(dropped)

        def shifted(place: int) -> int:
            return -1 if place == dropped else place - (place > dropped)

        places = [shifted(place) for place in places]
        unknown = -1 if unknown == -1 else shifted(unknown)
        width -= 1
    return [*places, unknown], width


def convert_one_hot(scope: Any, operator: Any, container: Any, missing_text: Any) -> None:
    nodes = Nodes(scope, container)
    encoder = operator.raw_operator
    to = PROTO[type(operator.outputs[0].type)]
    parts = []
    for at, (column, kind) in enumerate(columns_of(operator, nodes)):
        places, width = one_hot_places(encoder, at)
        if width == 0:
            continue
        index = category_index(nodes, column, kind, encoder.categories_[at], missing_text)
        place = nodes.add("Gather", nodes.constant(places, np.int64), index, axis=0)
        hot = nodes.add("Equal", place, nodes.constant([list(range(width))], np.int64))
        parts.append(nodes.add("Cast", hot, to=to))
    joined(nodes, parts, operator.outputs[0].full_name)


def shape_one_hot(numbers: Any) -> Callable[[Any], None]:
    def shape(operator: Any) -> None:
        encoder = operator.raw_operator
        width = sum(one_hot_places(encoder, at)[1] for at in range(len(encoder.categories_)))
        operator.outputs[0].type = numbers([None, width])

    return shape


def convert_ordinal(scope: Any, operator: Any, container: Any, missing_text: Any) -> None:
    nodes = Nodes(scope, container)
    encoder = operator.raw_operator
    dtype = NUMPY[type(operator.outputs[0].type)]
    parts = []
    for at, (column, kind) in enumerate(columns_of(operator, nodes)):
        categories = encoder.categories_[at]
        grouped = infrequent_places(encoder, at)
        codes = [float(place) for place in grouped or range(len(categories))]
        for place, category in enumerate(categories):
            if is_nan(category):
                codes[place] = float(encoder.encoded_missing_value)
        unknown = np.nan if encoder.unknown_value is None else float(encoder.unknown_value)
        index = category_index(nodes, column, kind, categories, missing_text)
        parts.append(nodes.add("Gather", nodes.constant([*codes, unknown], dtype), index, axis=0))
    joined(nodes, parts, operator.outputs[0].full_name)


def shape_ordinal(numbers: Any) -> Callable[[Any], None]:
    def shape(operator: Any) -> None:
        operator.outputs[0].type = numbers([None, len(operator.raw_operator.categories_)])

    return shape


def convert_imputer(scope: Any, operator: Any, container: Any, missing_text: Any) -> None:
    nodes = Nodes(scope, container)
    imputer = operator.raw_operator
    parts = []
    for at, (column, kind) in enumerate(columns_of(operator, nodes)):
        statistic = imputer.statistics_[at]
        if is_nan(statistic):
            # scikit-learn leaves out a column that had no value at all.
            continue
        sought = imputer.missing_values
        if isinstance(kind, StringTensorType):
            text = MISSING_TEXT if is_same_missing(sought, missing_text) else sought if isinstance(sought, str) else None
            if text is None:
                parts.append(column)
                continue
            gap = nodes.add("Cast", nodes.lookup(column, [text], [1], 0), to=TensorProto.BOOL)
            fill = nodes.texts([str(statistic)])
        else:
            dtype = NUMPY[type(kind)]
            gap = (
                nodes.add("IsNaN", column)
                if is_nan(sought)
                else nodes.add("Equal", column, nodes.constant([sought], dtype))
            )
            fill = nodes.constant([statistic], dtype)
        parts.append(nodes.add("Where", gap, fill, column))
    joined(nodes, parts, operator.outputs[0].full_name)


def shape_imputer(operator: Any) -> None:
    imputer = operator.raw_operator
    width = sum(not is_nan(statistic) for statistic in imputer.statistics_)
    operator.outputs[0].type = type(operator.inputs[0].type)([None, width])


#: NumPy functions that notebooks put into a FunctionTransformer, as the nodes that compute them.
ELEMENTWISE: dict[Any, Callable[[Nodes, str, Any], str]] = {
    np.log: lambda nodes, x, _: nodes.add("Log", x),
    np.log1p: lambda nodes, x, dtype: nodes.add("Log", nodes.add("Add", x, nodes.constant([1], dtype))),
    np.sqrt: lambda nodes, x, _: nodes.add("Sqrt", x),
    np.exp: lambda nodes, x, _: nodes.add("Exp", x),
    np.abs: lambda nodes, x, _: nodes.add("Abs", x),
    np.square: lambda nodes, x, _: nodes.add("Mul", x, x),
}


def convert_function(scope: Any, operator: Any, container: Any) -> None:
    nodes = Nodes(scope, container)
    function = operator.raw_operator.func
    parts = [name for name, _ in columns_of(operator, nodes)]
    if function is not None:
        dtype = NUMPY[type(operator.inputs[0].type)]
        parts = [ELEMENTWISE[function](nodes, part, dtype) for part in parts]
    joined(nodes, parts, operator.outputs[0].full_name)


def shape_function(operator: Any) -> None:
    width = sum(variable.type.shape[1] for variable in operator.inputs)
    operator.outputs[0].type = type(operator.inputs[0].type)([None, width])



def own_converters(numbers: Any, missing_text: Any) -> list[tuple[type, Any, Any]]:
    """Class, shape and converter of what this module converts. `missing_text`: what the model is given for a null text."""

    def knowing(convert: Any) -> Any:
        def converter(scope: Any, operator: Any, container: Any) -> None:
            convert(scope, operator, container, missing_text)

        return converter

    return [
        (OneHotEncoder, shape_one_hot(numbers), knowing(convert_one_hot)),
        (OrdinalEncoder, shape_ordinal(numbers), knowing(convert_ordinal)),
        (SimpleImputer, shape_imputer, knowing(convert_imputer)),
        (FunctionTransformer, shape_function, convert_function),
    ]
