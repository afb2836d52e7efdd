"""Ways to read raw onnxruntime outputs as predictions, one per output convention."""

from __future__ import annotations

from typing import Any

import numpy as np

from case import Prediction, Reader, binary, classified, most_probable, to_json, valued


def zipmap(_names: list[str], outputs: list[Any]) -> list[Prediction]:
    """Read a label tensor and a sequence of label-to-probability maps."""
    labels, maps = outputs
    return [
        {"prediction": to_json(label), "probabilities": {str(k): v for k, v in probabilities.items()}}
        for label, probabilities in zip(labels, maps, strict=True)
    ]


def label_and_matrix(classes: Any) -> Reader:
    """Read a label tensor and a [N,classes] matrix."""
    return lambda _names, outputs: classified(outputs[0], classes, outputs[1])


def label_and_columns(classes: Any) -> Reader:
    """Read a label tensor and one probability tensor per class."""

    def read(_names: list[str], outputs: list[Any]) -> list[Prediction]:
        columns = [np.asarray(column).reshape(-1) for column in outputs[1:]]
        return classified(outputs[0], classes, np.column_stack(columns))

    return read


def softmax(_names: list[str], outputs: list[Any]) -> list[Prediction]:
    """Read a [N,classes] matrix of probabilities with index labels."""
    return most_probable(outputs[0])


def sigmoid(_names: list[str], outputs: list[Any]) -> list[Prediction]:
    """Read a [N,1] probability of the label 1."""
    return binary(outputs[0])


def values(_names: list[str], outputs: list[Any]) -> list[Prediction]:
    """Read one tensor of numbers."""
    return valued(outputs[0])


def named_values(names: list[str], outputs: list[Any]) -> list[Prediction]:
    """Read every output by name."""
    return [
        {"prediction": {name: to_json(v) for name, v in zip(names, row, strict=True)}, "probabilities": None}
        for row in zip(*outputs, strict=True)
    ]
