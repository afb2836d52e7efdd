"""Columns as they came over the wire to the one table that a model takes: a DataFrame, or a matrix."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway_worker.port import Columns, missing

#: dtype of a column by its type: ONNX's words, and MLflow's for what is declared in an MLmodel file.
_DTYPES = {
    "bool": np.dtype(bool),
    "boolean": np.dtype(bool),
    "integer": np.dtype("int32"),
    "long": np.dtype("int64"),
    "float": np.dtype("float32"),
    "double": np.dtype("float64"),
    **{name: np.dtype(name) for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
    **{name: np.dtype(name) for name in ("float16", "float32", "float64")},
}
_OBJECT = np.dtype(object)


@dataclass(frozen=True)
class InputColumn:
    """A column that the model takes."""

    name: str
    type: str = "float64"
    required: bool = True
    #: Whether the model takes a missing value.
    nullable: bool = False
    #: The only texts that the model knows, where it fails for any other.
    categories: tuple[str, ...] | None = None
    #: Categories of the pandas dtype `category` that the column has to have, in order.
    dtype_categories: tuple[Any, ...] | None = None
    #: What stands for a missing text: NaN as pandas reads files, or None.
    missing_text: Any = float("nan")

    @property
    def is_number(self) -> bool:
        """Whether its values lie in an array of numbers as they are."""
        return self.dtype_categories is None and self.type in _DTYPES

    def fact(self) -> dict[str, Any]:
        fact: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "required": self.required,
            "nullable": self.nullable,
        }
        if self.categories is not None:
            fact["categories"] = list(self.categories)
        return fact

    def read(self, columns: Columns) -> np.ndarray:
        """The column's values in its dtype; whole numbers and booleans with missing values become floats and objects."""
        values = columns.arrays.get(self.name)
        if values is None:
            values = [None] * columns.rows
        dtype = _DTYPES.get(self.type)
        if dtype is None:
            return self._read_objects(values)
        if isinstance(values, np.ndarray):
            if values.ndim > 1:
                return _objects(list(values.astype(dtype, copy=False)))
            if values.dtype == dtype:
                return values
            if values.dtype.kind != "O" and not (values.dtype.kind == "f" and dtype.kind in "iub"):
                return values.astype(dtype)
            values = [None if value is None or value != value else value for value in values.tolist()]
        if dtype.kind == "f":
            return np.array([np.nan if value is None else value for value in values], dtype)
        if None not in values:
            return np.array(values, dtype)
        if dtype.kind == "b":
            return _objects(values)
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def _read_objects(self, values: np.ndarray | list) -> np.ndarray:
        if self.type == "datetime":
            return _datetimes(values)
        if self.type == "binary":
            return _objects([None if value is None else base64.b64decode(value) for value in values])
        array = _objects(values)
        if self.missing_text is not None:
            for place, value in enumerate(array):
                if value is None:
                    array[place] = self.missing_text
        return array


def _objects(values: Sequence[Any]) -> np.ndarray:
    array = np.empty(len(values), _OBJECT)
    array[:] = values
    return array


def _datetimes(values: Sequence[Any]) -> np.ndarray:
    """Times as MLflow's columns have them: without a zone, in UTC."""
    times = require_pandas().to_datetime(list(values), utc=True, format="ISO8601")
    return times.tz_localize(None).to_numpy(dtype="datetime64[ns]")


class Table:
    """The columns of a model, in its order."""

    def __init__(self, columns: Sequence[InputColumn]) -> None:
        self.columns = tuple(columns)
        self.names = [column.name for column in self.columns]
        self._of_categories = [column for column in self.columns if column.dtype_categories is not None]

    def matrix(self, columns: Columns) -> np.ndarray:
        """Rows × columns: float64 where all are numbers, objects otherwise."""
        arrays = [column.read(columns) for column in self.columns]
        numeric = all(array.dtype.kind in "fiub" for array in arrays)
        single = numeric and all(array.dtype == np.float32 for array in arrays)
        table = np.empty((columns.rows, len(arrays)), np.float32 if single else np.float64 if numeric else _OBJECT)
        for place, array in enumerate(arrays):
            table[:, place] = array
        return table

    def frame(self, columns: Columns) -> Any:
        """A DataFrame with the columns' dtypes."""
        arrays = [column.read(columns) for column in self.columns]
        if self._of_categories:
            pandas = require_pandas()
            by_name: dict[str, Any] = dict(zip(self.names, arrays))
            for column in self._of_categories:
                by_name[column.name] = pandas.Categorical(by_name[column.name], categories=column.dtype_categories)
            return pandas.DataFrame(by_name, copy=False)
        return frame_of(self._index, arrays, columns.rows)

    @functools.cached_property
    def _index(self) -> Any:
        return require_pandas().Index(self.names)


def frame_of(index: Any, arrays: Sequence[np.ndarray], rows: int) -> Any:
    """A DataFrame of equally long arrays, one block for each dtype."""
    groups: dict[np.dtype, tuple[list[int], list[np.ndarray]]] = {}
    for place, array in enumerate(arrays):
        places, members = groups.setdefault(array.dtype, ([], []))
        places.append(place)
        members.append(array)
    plain = all(dtype.kind in "fiubO" for dtype in groups)
    if len(groups) == 1 and plain:
        [(_, members)] = groups.values()
        table = np.empty((len(members), rows), members[0].dtype)
        for place, array in enumerate(members):
            table[place] = array
        return require_pandas().DataFrame(table.T, columns=index, copy=False)
    build = _block_builder() if plain and groups else None
    if build is None:
        return require_pandas().DataFrame({name: _series(array) for name, array in zip(index, arrays)}, copy=False)
    blocks = []
    for dtype, (places, members) in groups.items():
        block = np.empty((len(members), rows), dtype)
        for place, array in enumerate(members):
            block[place] = array
        blocks.append((block, np.array(places, np.intp)))
    return build(blocks, index, rows)


def _series(array: np.ndarray) -> Any:
    """pandas 3 would make its own dtype of an array of texts."""
    return require_pandas().Series(array, dtype=object, copy=False) if array.dtype == _OBJECT else array


@functools.cache
def _block_builder() -> Callable[[list, Any, int], Any] | None:
    """
    How this pandas makes a DataFrame of ready blocks, which takes a twentieth of the time of making it of columns: a
    public function from pandas 3.0 on, internals before. Null where what it makes is not what the constructor makes.
    """
    pandas = require_pandas()
    for find in (_public_builder, _internal_builder):
        try:
            build = find(pandas)
            index = pandas.Index(["a", "b", "c"])
            blocks = [
                (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 2], np.intp)),
                (np.array([["x", "y"]], _OBJECT), np.array([1], np.intp)),
            ]
            made = build(blocks, index, 2)
            plain = pandas.DataFrame({"a": [1.0, 2.0], "b": np.array(["x", "y"], _OBJECT), "c": [3.0, 4.0]})
            plain["b"] = plain["b"].astype(object)
            if made.equals(plain) and list(made.dtypes) == list(plain.dtypes):
                return build
        except (ImportError, AttributeError, TypeError, ValueError):
            continue
    return None


def _public_builder(pandas: Any) -> Callable[[list, Any, int], Any]:
    from pandas.api.internals import create_dataframe_from_blocks

    return lambda blocks, index, rows: create_dataframe_from_blocks(blocks, pandas.RangeIndex(rows), index)


def _internal_builder(pandas: Any) -> Callable[[list, Any, int], Any]:
    from pandas.core.internals.api import make_block
    from pandas.core.internals.managers import create_block_manager_from_blocks

    def build(blocks: list, index: Any, rows: int) -> Any:
        made = [make_block(values, places, ndim=2) for values, places in blocks]
        axes = [index, pandas.RangeIndex(rows)]
        manager = create_block_manager_from_blocks(made, axes, consolidate=False, verify_integrity=False)
        return pandas.DataFrame._from_mgr(manager, manager.axes)

    return build


@functools.cache
def require_pandas() -> Any:
    """pandas, which the worker needs for named columns and for nothing else."""
    try:
        import pandas
    except ImportError as error:
        raise missing("pandas") from error
    return pandas
