"""Values at which a model may change its mind: thresholds of its trees, categories of its encoders, means of its scalers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from .graph import MATRIX, Field
from .steps import walk

MOST_PER_FIELD = 100


def probes_of(estimator: Any, model: onnx.ModelProto, fields: list[Field]) -> dict[str, list[Any]]:
    """Values to try, by field; few enough to be sent along."""
    found: dict[str, list[Any]] = {field.name: [] for field in fields}
    learnt_of_columns(estimator, found)
    for name, values in thresholds_of(model, fields).items():
        found[name].extend(values)
    return {name: spread(values) for name, values in found.items() if values}


def spread(values: list[Any]) -> list[Any]:
    """Of too many values some from everywhere."""
    unique = list(dict.fromkeys(values))
    if len(unique) <= MOST_PER_FIELD:
        return unique
    if not any(isinstance(value, str) for value in unique):
        unique.sort()
    places = np.linspace(0, len(unique) - 1, MOST_PER_FIELD).astype(int)
    return [unique[place] for place in places]


def learnt_of_columns(estimator: Any, found: dict[str, list[Any]]) -> None:
    names = list(found)
    for _, step in walk(estimator):
        if not hasattr(step, "transformers_"):
            continue
        for _, transformer, columns in step.transformers_:
            if isinstance(transformer, str) or isinstance(columns, slice):
                continue
            listed = [columns] if isinstance(columns, (str, int)) else list(columns)
            for _, inner in walk(transformer):
                for name, values in learnt(inner, listed):
                    name = names[name] if isinstance(name, (int, np.integer)) and name < len(names) else name
                    if name in found:
                        found[name].extend(values)


def learnt(step: Any, columns: list[Any]) -> list[tuple[Any, list[Any]]]:
    """What a step learnt of each column, where it learnt something of just these."""
    if len(getattr(step, "categories_", [])) == len(columns):
        return [(name, plain(known)) for name, known in zip(columns, step.categories_, strict=True)]
    mean, scale = getattr(step, "mean_", None), getattr(step, "scale_", None)
    if np.ndim(mean) == 1 and np.ndim(scale) == 1 and len(mean) == len(columns):
        return [
            (name, [float(m + s * times) for times in (-3, -1, 0, 1, 3)])
            for name, m, s in zip(columns, mean, scale, strict=True)
        ]
    least, most = getattr(step, "data_min_", None), getattr(step, "data_max_", None)
    if np.ndim(least) == 1 and len(least) == len(columns):
        return [(name, [float(a), float(b)]) for name, a, b in zip(columns, least, most, strict=True)]
    return []


def plain(values: Any) -> list[Any]:
    """Categories as JSON has them; missing ones are tried anyway."""
    listed = np.asarray(values, dtype=object).tolist()
    return [value for value in listed if isinstance(value, str) or (isinstance(value, (int, float)) and value == value)]


def thresholds_of(model: onnx.ModelProto, fields: list[Field]) -> dict[str, list[float]]:
    """Thresholds of trees that look at the fields themselves, in the order of the matrix."""
    if len(model.graph.input) != 1 or model.graph.input[0].name != MATRIX:
        return {}
    fed = {MATRIX}
    found: dict[str, list[float]] = {}
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in fed:
            fed.add(node.output[0])
        if not node.op_type.startswith("TreeEnsemble") or node.input[0] not in fed:
            continue
        attributes = {each.name: each for each in node.attribute}
        exact = attributes.get("nodes_values_as_tensor")
        values = numpy_helper.to_array(exact.t) if exact else attributes["nodes_values"].floats
        modes = attributes["nodes_modes"].strings
        for feature, value, mode in zip(attributes["nodes_featureids"].ints, values, modes, strict=True):
            if mode != b"LEAF" and np.isfinite(value):
                found.setdefault(fields[feature].name, []).append(float(value))
    return found
