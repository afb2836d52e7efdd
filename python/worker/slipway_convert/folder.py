"""A notebook's folder of model, scaler and encoders as one pipeline, which converters know how to walk."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from skl2onnx import update_registered_converter
from skl2onnx._supported_operators import sklearn_operator_name_map

from .categories import NUMPY, Nodes, category_index, columns_of, joined
from .report import Refusal


class FieldCodes(TransformerMixin, BaseEstimator):
    """One field as the number that a LabelEncoder or a mapping has for it."""

    def __init__(self, codes: dict[Any, float]) -> None:
        self.codes = codes


class ColumnOrder(TransformerMixin, BaseEstimator):
    """Columns of a table in another order."""

    def __init__(self, places: list[int]) -> None:
        self.places = places


class ScaledColumns(TransformerMixin, BaseEstimator):
    """Some columns of a table scaled, in their places."""

    def __init__(self, scaler: Any, places: list[int], width: int) -> None:
        self.scaler = scaler
        self.places = places
        self.width = width


def composed(steps: Any, estimator: Any) -> Any:
    """The pipeline of `slipway_worker.loaders.feature_steps.FeatureSteps` and the estimator behind it."""
    transformers = []
    made: list[str] = []
    for number, encoder in enumerate(steps._encoders):
        fields = [column.name for column in encoder.columns]
        transformers.append((f"encoder {number} of {', '.join(fields)}", transformer_of(encoder), fields))
        made.extend(encoder.outputs)
    if steps._plain:
        transformers.append(("plain", "passthrough", list(steps._plain)))
        made.extend(steps._plain)
    stages: list[tuple[str, Any]] = []
    if transformers:
        stages += [("fields", fitted(transformers)), ("features", ColumnOrder([made.index(f) for f in steps._features]))]
    if steps._scaler is not None:
        scaled = ScaledColumns(steps._scaler._scaler, list(steps._scaled), len(steps._features))
        stages.append(("scaler", scaled))
    return Pipeline([*stages, ("model", estimator)])


def transformer_of(encoder: Any) -> Any:
    """What converters know of an encoder of the worker."""
    if hasattr(encoder, "_codes"):
        return FieldCodes(dict(encoder._codes))
    if hasattr(encoder, "_encoder"):
        return encoder._encoder
    raise Refusal("unsupported", f"{encoder.source} is an encoder for which there is no converter")


def fitted(transformers: list[tuple[str, Any, Any]]) -> ColumnTransformer:
    """A ColumnTransformer of parts that are fitted already."""
    made = ColumnTransformer(transformers)
    made.transformers_ = transformers
    made.transformer_weights = None
    return made


def convert_codes(scope: Any, operator: Any, container: Any) -> None:
    nodes = Nodes(scope, container)
    codes = operator.raw_operator.codes
    [(column, kind)] = columns_of(operator, nodes)
    known = [value for value in codes if isinstance(value, (str, int, float))]
    index = category_index(nodes, column, kind, known, np.nan)
    # The worker refuses a value that is not known, and the field takes no other.
    numbers = [*(float(codes[value]) for value in known), np.nan]
    dtype = NUMPY[type(operator.outputs[0].type)]
    nodes.add("Gather", nodes.constant(numbers, dtype), index, output=operator.outputs[0].full_name, axis=0)


def convert_order(scope: Any, operator: Any, container: Any) -> None:
    nodes = Nodes(scope, container)
    parts = [name for name, _ in columns_of(operator, nodes)]
    joined(nodes, [parts[place] for place in operator.raw_operator.places], operator.outputs[0].full_name)


def convert_scaled(scope: Any, operator: Any, container: Any) -> None:
    nodes = Nodes(scope, container)
    step = operator.raw_operator
    kind = type(operator.outputs[0].type)
    columns = [name for name, _ in columns_of(operator, nodes)]
    given = scope.declare_local_variable("to_scale", kind([None, len(step.places)]))
    joined(nodes, [columns[place] for place in step.places], given.full_name)
    scaler = scope.declare_local_operator(sklearn_operator_name_map[type(step.scaler)], step.scaler)
    scaler.inputs.append(given)
    scaled = scope.declare_local_variable("scaled", kind([None, len(step.places)]))
    scaler.outputs.append(scaled)
    for at, place in enumerate(step.places):
        columns[place] = nodes.add("Gather", scaled.full_name, nodes.constant([at], np.int64), axis=1)
    joined(nodes, columns, operator.outputs[0].full_name)


def register_folder(numbers: Any) -> None:
    def shape_codes(operator: Any) -> None:
        operator.outputs[0].type = numbers([None, 1])

    def shape_order(operator: Any) -> None:
        operator.outputs[0].type = numbers([None, len(operator.raw_operator.places)])

    def shape_scaled(operator: Any) -> None:
        operator.outputs[0].type = numbers([None, operator.raw_operator.width])

    update_registered_converter(ScaledColumns, "SlipwayScaledColumns", shape_scaled, convert_scaled)
    update_registered_converter(FieldCodes, "SlipwayFieldCodes", shape_codes, convert_codes)
    update_registered_converter(ColumnOrder, "SlipwayColumnOrder", shape_order, convert_order)
