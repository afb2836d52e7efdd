"""Inputs that an MLmodel file declares as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slipway_worker.port import Columns
from slipway_worker.tables import InputColumn, Table


class TensorInputs:
    """One unnamed tensor as an array, named ones as a dict of arrays, as mlflow hands them to a model."""

    def __init__(self, tensors: Sequence[Mapping[str, Any]]) -> None:
        self._tensors = tensors
        self._is_dict = any(tensor.get("name") is not None for tensor in tensors)

    def prepare(self, columns: Columns) -> Any:
        if self._is_dict:
            return {
                tensor["name"]: _shaped(columns.arrays[tensor["name"]], tensor, columns.rows)
                for tensor in self._tensors
            }
        [tensor] = self._tensors
        if len(columns.names) == 1 and not _is_row_of_one(tensor):
            return _shaped(columns.arrays[columns.names[0]], tensor, columns.rows)
        kind = "string" if _dtype(tensor).kind in "OU" else str(_dtype(tensor))
        return Table([InputColumn(name, kind) for name in columns.names]).matrix(columns).astype(_dtype(tensor), copy=False)

    def facts(self) -> dict[str, Any]:
        [first, *more] = self._tensors
        inner = first["shape"][1:]
        if not self._is_dict and not more and len(inner) == 1 and inner[0] > 0:
            return {"inputs": None, "width": inner[0]}
        inputs = [
            {"name": tensor.get("name") or "input", "type": tensor["type"], "required": True, "nullable": False}
            | {"shape": list(tensor["shape"][1:])}
            for tensor in self._tensors
        ]
        return {"inputs": inputs, "width": None}


def _is_row_of_one(tensor: Mapping[str, Any]) -> bool:
    return list(tensor["shape"][1:]) == [1]


def _dtype(tensor: Mapping[str, Any]) -> np.dtype:
    return np.dtype(object if tensor["type"] in ("str", "string", "object") else tensor["type"])


def _shaped(values: Any, tensor: Mapping[str, Any], rows: int) -> np.ndarray:
    array = np.asarray(values, _dtype(tensor))
    inner = tuple(tensor["shape"][1:])
    return array.reshape((rows, *inner)) if -1 not in inner else array
