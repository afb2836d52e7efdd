"""Columns of a data frame as the engine takes them (``src/models/transforms/typed-columns.ts``)."""

from __future__ import annotations

import math
from typing import Any, Iterable, Mapping, NamedTuple, Optional

import numpy as np
import pandas as pd

from .errors import TransformError

_DICTIONARY = 1024


class Column(NamedTuple):
    """``kind`` is ``numbers`` or ``times`` (float64, NaN missing), ``booleans`` (uint8, 2 missing) or ``values``
    (int32 places in ``values``, -1 missing). Times are Unix milliseconds."""

    kind: str
    data: np.ndarray
    values: Optional[np.ndarray] = None

    def piece(self, start: int, stop: int) -> Column:
        """The rows from ``start`` to ``stop``; of many values only those that are in it."""
        data = self.data[start:stop]
        if self.values is None or len(self.values) <= _DICTIONARY:
            return self._replace(data=data)
        places, codes = np.unique(data, return_inverse=True)
        missing = int(len(places) > 0 and places[0] < 0)
        return Column("values", (codes - missing).astype(np.int32), self.values[places[missing:]])


def columns_of(frame: Any, names: Iterable[str]) -> dict[str, Column]:
    """The columns of those names that the frame has. TransformError lists those of which no values can be made."""
    columns, problems = {}, []
    for name in names:
        given = column_named(frame, name)
        if given is None:
            continue
        try:
            columns[name] = _column(given)
        except _Unreadable as error:
            problems.append({"path": name, "message": str(error)})
    if problems:
        raise TransformError("INPUT_INVALID", "The columns hold what is not a value of a field", problems)
    return columns


def column_named(frame: Any, name: str) -> Optional[pd.Series]:
    if isinstance(frame, pd.DataFrame):
        if name not in frame.columns:
            return None
        column = frame[name]
        if isinstance(column, pd.DataFrame):
            problem = {"path": name, "message": "is there twice"}
            raise TransformError("INPUT_INVALID", "Each column needs a name of its own", [problem])
        return column
    if name not in frame.columns:
        return None
    column = frame[name]
    return pd.Series(column.to_numpy(), dtype=None if column.dtype.is_numeric() else None)


def as_frame(given: Any, names: list[str]) -> Any:
    """A pandas or polars frame as it is; a matrix in the order of ``names``; a mapping or rows by their own names."""
    if isinstance(given, pd.DataFrame) or type(given).__module__.partition(".")[0] == "polars":
        return given
    if isinstance(given, np.ndarray):
        if given.ndim != 2 or given.shape[1] != len(names):
            shape = "x".join(map(str, given.shape))
            raise TransformError(
                "INPUT_INVALID", f"A matrix needs {len(names)} columns, those of the fields in their order; got {shape}"
            )
        return pd.DataFrame(given, columns=names)
    if isinstance(given, Mapping):
        return pd.DataFrame({name: pd.Series(values) for name, values in given.items()})
    return pd.DataFrame(given)


class _Unreadable(Exception):
    pass


def _column(series: pd.Series) -> Column:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _categories(series)
    if pd.api.types.is_bool_dtype(dtype):
        return _booleans(series)
    if pd.api.types.is_complex_dtype(dtype):
        raise _Unreadable("holds complex numbers")
    if pd.api.types.is_numeric_dtype(dtype):
        return Column("numbers", series.to_numpy(np.float64, na_value=np.nan))
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return _times(series)
    if pd.api.types.is_object_dtype(dtype):
        return _objects(series)
    if pd.api.types.is_string_dtype(dtype):
        return _texts(series)
    raise _Unreadable(f"is a column of {dtype}: make it numbers, texts or times first")


def _booleans(series: pd.Series) -> Column:
    missing = series.isna().to_numpy()
    if not missing.any():
        return Column("booleans", series.to_numpy(bool).astype(np.uint8))
    data = np.where(missing, False, series.to_numpy(object)).astype(np.uint8)
    data[missing] = 2
    return Column("booleans", data)


def _times(series: pd.Series) -> Column:
    """Down to the whole millisecond; a time without a zone is in UTC."""
    if getattr(series.dt, "tz", None) is not None:
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    times = series.to_numpy()
    unit = np.datetime_data(times.dtype)[0]
    scale = {"s": 1000, "ms": 1, "us": 1e-3, "ns": 1e-6}[unit]
    whole = times.astype(np.int64)
    ms = whole * int(scale) if scale >= 1 else whole // round(1 / scale)
    return Column("times", np.where(np.isnat(times), np.nan, ms.astype(np.float64)))


def _texts(series: pd.Series) -> Column:
    codes, values = pd.factorize(series)
    return Column("values", codes.astype(np.int32), np.asarray(values, dtype=object))


def _categories(series: pd.Series) -> Column:
    categories = series.cat.categories
    codes = series.cat.codes.to_numpy().astype(np.int32)
    of_categories = _column(pd.Series(categories))
    if of_categories.kind == "values":
        places = of_categories.data
        return Column("values", np.where(codes < 0, -1, places[codes]).astype(np.int32), of_categories.values)
    missing = 2 if of_categories.kind == "booleans" else np.nan
    if len(categories) == 0:
        return Column("numbers", np.full(len(series), np.nan))
    data = np.where(codes < 0, missing, of_categories.data[codes])
    return of_categories._replace(data=data.astype(of_categories.data.dtype))


def _objects(series: pd.Series) -> Column:
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind == "string":
        return _texts(series)
    if kind == "empty":
        return Column("numbers", np.full(len(series), np.nan))
    if kind == "boolean":
        return _booleans(series)
    if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
        return Column("numbers", np.array([np.nan if _is_missing(x) else float(x) for x in series], np.float64))
    if kind in ("datetime64", "datetime", "date"):
        return _times(pd.to_datetime(series, utc=True))
    values = [None if _is_missing(value) else _json(value) for value in series]
    return Column("values", np.arange(len(values), dtype=np.int32), np.array([*values, None], dtype=object)[:-1])


def _json(value: Any) -> Any:
    """One value of a column that holds values of several types."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)) and math.isfinite(value):
        return float(value)
    raise _Unreadable(f"holds a {type(value).__name__}: all of a column are numbers, booleans, texts or times")


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
