"""What a model's predict gave, as one JSON value a row."""

from __future__ import annotations

import base64
import datetime
import decimal
import enum
import math
import sys
import uuid
from typing import Any

import numpy as np

from slipway_worker.port import OutputError


def predictions_of(output: Any, rows: int) -> list | np.ndarray:
    """
    One value for each of `rows` rows: an array of float64 where the model answered floats, a list of JSON values
    otherwise. OutputError says what is wrong with the answer.
    """
    if hasattr(output, "toarray") and hasattr(output, "nnz"):
        output = output.toarray()
    if _is_frame(output):
        return _frame_values(output, rows)
    if _is_series(output):
        _check_length(len(output), rows)
        return _series_values(output)
    if isinstance(output, dict):
        return _records({str(name): _member(name, values, rows) for name, values in output.items()}, rows)
    if isinstance(output, list):
        _check_length(len(output), rows)
        return [_json(value) for value in output]
    if hasattr(output, "__array__") and not isinstance(output, np.generic):
        return _array_values(np.asarray(output), rows)
    raise OutputError(
        "output",
        f"the model answered one {type(output).__name__} for {rows} rows: "
        "it must answer a list, an array, a Series or a DataFrame with one entry for each row",
    )


def probabilities_of(output: Any, rows: int, labels: int | None) -> np.ndarray:
    """Probabilities as float64, rows × labels."""
    table = np.asarray(output, np.float64)
    if table.ndim != 2:
        raise OutputError("output", f"the probabilities have {table.ndim} axes, and not rows and labels")
    _check_length(len(table), rows)
    if labels is not None and table.shape[1] != labels:
        raise OutputError("output", f"the model has {labels} labels and gave {table.shape[1]} probabilities a row")
    return np.ascontiguousarray(table)


def _frame_values(frame: Any, rows: int) -> list:
    _check_length(len(frame), rows)
    names = [str(name) for name in frame.columns]
    if len(set(names)) != len(names):
        raise OutputError("output", f"the answer has two columns of one name among {', '.join(names)}")
    return _records({name: _series_values(frame.iloc[:, place]) for place, name in enumerate(names)}, rows)


def _check_length(found: int, rows: int) -> None:
    if found != rows:
        raise OutputError("wrong_length", f"the model answered {found} predictions for {rows} rows")


def _member(name: Any, values: Any, rows: int) -> list | np.ndarray:
    if isinstance(values, (list, dict)) or _is_series(values) or _is_frame(values) or hasattr(values, "__array__"):
        try:
            return predictions_of(values, rows)
        except OutputError as error:
            raise OutputError(error.kind, f'"{name}": {error}') from None
    raise OutputError("output", f'"{name}" of the answer is one {type(values).__name__} for {rows} rows')


def _records(columns: dict[str, list | np.ndarray], rows: int) -> list:
    lists = {
        name: [_json(value) for value in values.tolist()] if isinstance(values, np.ndarray) else values
        for name, values in columns.items()
    }
    return [{name: values[row] for name, values in lists.items()} for row in range(rows)]


def _series_values(series: Any) -> list | np.ndarray:
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind != "M":
        return _array_values(series.to_numpy(), len(series))
    return [_json(value) for value in series.tolist()]


def _array_values(array: np.ndarray, rows: int) -> list | np.ndarray:
    if array.ndim == 0:
        raise OutputError("output", f"the model answered one {array.dtype.name} for {rows} rows")
    _check_length(len(array), rows)
    if array.dtype.names is not None:
        return _records({name: _array_values(array[name], rows) for name in array.dtype.names}, rows)
    if array.dtype.kind == "f":
        if array.ndim == 1:
            return np.ascontiguousarray(array, np.float64)
        return _floats(array)
    if array.dtype.kind in "iubU":
        return array.tolist()
    if array.dtype.kind in "mM":
        return [_json(value) for value in array]
    return [_json(value) for value in array.tolist()]


def _floats(array: np.ndarray) -> list:
    listed = array.astype(np.float64).tolist()
    return listed if np.isfinite(array).all() else [_json(value) for value in listed]


def _json(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is bool or kind is int or value is None:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if isinstance(value, np.ndarray):
        return [_json(member) for member in value]
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return _numpy_time(value)
    if isinstance(value, np.generic):
        return _json(value.item())
    return _json_of_object(value)


def _json_of_object(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _json(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(member) for member in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, enum.Enum):
        return _json(value.value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, float):
        return _json(float.__float__(value))
    if isinstance(value, decimal.Decimal):
        return float(value) if value.is_finite() else None
    if _is_missing(value):
        return None
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, uuid.UUID):
        return str(value)
    if _is_frame(value) or _is_series(value):
        return [_json(member) for member in predictions_of(value, len(value))]
    if hasattr(value, "__array__"):
        return _json(np.asarray(value)[()])
    raise OutputError(
        "output",
        f"the answer holds a {type(value).__name__}, which JSON cannot carry: answer numbers, texts, lists or objects",
    )


def _numpy_time(value: np.datetime64 | np.timedelta64) -> Any:
    if np.isnat(value):
        return None
    if isinstance(value, np.timedelta64):
        return value / np.timedelta64(1, "s")
    text = str(np.datetime_as_string(value))
    return text.rstrip("0").rstrip(".") if "." in text else text


def _key(key: Any) -> str:
    return key if type(key) is str else str(_json(key))


def _is_missing(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def _is_frame(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def _is_series(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray))
