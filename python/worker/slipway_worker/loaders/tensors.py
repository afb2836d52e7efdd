"""Inputs that an MLmodel file declares as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slipway_worker.port import Columns
from slipway_worker.tables import InputColumn, Table


class TensorInputs:
    """One unnamed tensor as an array, named ones as a dict of arrays, as mlflow hands them to a model."""

    columns = None

    def __init__(self, tensors: Sequence[Mapping[str, Any]]) -> None:
        self._tensors = tensors
        self._is_dict = any(tensor.get("name") is not None for tensor in tensors)
        inner = tensors[0]["shape"][1:]
        is_row = len(tensors) == 1 and len(inner) == 1 and inner[0] > 0
        #: Numbers of a row, where the one tensor is a table of them.
        self.width: int | None = inner[0] if is_row else None
        self.names = [str(tensor.get("name")) for tensor in tensors] if self._is_dict and not is_row else None

    def prepare(self, columns: Columns) -> Any:
        if self.width is not None:
            [tensor] = self._tensors
            array = self._table(tensor, columns)
            return {tensor["name"]: array} if self._is_dict else array
        if self._is_dict:
            return {
                tensor["name"]: _shaped(columns.arrays[tensor["name"]], tensor, columns.rows)
                for tensor in self._tensors
            }
        return _shaped(columns.arrays[columns.names[0]], self._tensors[0], columns.rows)

    def _table(self, tensor: Mapping[str, Any], columns: Columns) -> np.ndarray:
        """One tensor of numbers side by side, which come as a column each or as one column of rows."""
        if len(columns.names) == 1 and self.width != 1:
            return _shaped(columns.arrays[columns.names[0]], tensor, columns.rows)
        dtype = _dtype(tensor)
        kind = "string" if dtype.kind in "OU" else dtype.name
        return Table([InputColumn(name, kind) for name in columns.names]).matrix(columns).astype(dtype, copy=False)

    def facts(self) -> dict[str, Any]:
        if self.width is not None:
            return {"inputs": None, "width": self.width}
        inputs = [
            {"name": tensor.get("name") or "input", "type": tensor["type"], "required": True, "nullable": False}
            | {"shape": list(tensor["shape"][1:])}
            for tensor in self._tensors
        ]
        return {"inputs": inputs, "width": None}


def _dtype(tensor: Mapping[str, Any]) -> np.dtype:
    return np.dtype(object if tensor["type"] in ("str", "string", "object") else tensor["type"])


def _shaped(values: Any, tensor: Mapping[str, Any], rows: int) -> np.ndarray:
    array = np.asarray(values, _dtype(tensor))
    inner = tuple(tensor["shape"][1:])
    return array.reshape((rows, *inner)) if -1 not in inner else array
