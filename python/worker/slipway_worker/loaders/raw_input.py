"""A user's `feature_transformer.py`, whose `transform_raw_input(raw_data)` makes a model's features of one raw row."""

from __future__ import annotations

import datetime
import importlib.util
import inspect
import json
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from slipway_worker.loaders.pickled import importing_from, refusing
from slipway_worker.loaders.predictor import Inputs
from slipway_worker.port import Columns, ModelUnreadable
from slipway_worker.tables import InputColumn

_FILE = "feature_transformer.py"
_FUNCTION = "transform_raw_input"
#: A raw row, or several; that of MLflow in its own folders is a row of features.
_EXAMPLES = ("raw_input_example.json", "input_example.json")
_TYPES = {
    bool: "bool",
    int: "int64",
    float: "float64",
    str: "string",
    datetime.date: "string",
    datetime.datetime: "string",
}


class ModelInputs(Protocol):
    """The table of the model behind the transformer."""

    columns: tuple[InputColumn, ...] | None
    width: int | None

    def prepare(self, columns: Columns) -> Any: ...


def find_transformer(folder: Path) -> Path | None:
    """The transformer beside the model, in the folder itself or one below; in an MLmodel's `code` it is the model's own."""
    found = [file for file in sorted(folder.rglob(_FILE)) if "code" not in file.relative_to(folder).parts[:-1]]
    if len(found) > 1:
        names = ", ".join(file.relative_to(folder).as_posix() for file in found)
        raise ModelUnreadable(f"There are several transformers ({names}): keep the one that the model was trained with")
    return found[0] if found else None


class RawInput:
    """Raw rows, one at a time, to the columns of the model."""

    def __init__(self, folder: Path, file: Path, model: ModelInputs, features: Sequence[str] | None) -> None:
        """`features` are the names of the model's columns, where it or a file beside it has any."""
        self._model = model
        self._features = features
        self._transform = _function_of(file)
        self._fields = tuple(_fields_of(self._transform, folder, file))
        self.inputs = Inputs(self._fields, None, named=True)

    def prepare(self, columns: Columns) -> Any:
        values = [_plain_values(field, columns) for field in self._fields]
        made = [self._transform(self._raw_row(values, row)) for row in range(columns.rows)]
        rows = [_named_row(each) for each in made]
        names = rows[0][0]
        if any(other != names for other, _ in rows) or len({len(vector) for _, vector in rows}) > 1:
            raise ValueError(f"{_FUNCTION} gave rows of different columns")
        return self._model.prepare(self._columns_of(names, [vector for _, vector in rows]))

    def _raw_row(self, values: Sequence[Sequence[Any]], row: int) -> dict[str, Any]:
        """What was left out is no key of the row, so that `raw_data.get` gives its default."""
        raw = {}
        for field, of_field in zip(self._fields, values):
            if of_field[row] is not None or field.required:
                raw[field.name] = of_field[row]
        return raw

    def _columns_of(self, names: Sequence[str] | None, vectors: Sequence[Sequence[Any]]) -> Columns:
        columns = list(zip(*vectors))
        wanted = self._features
        width = len(wanted) if wanted is not None else self._model.width
        absent = [] if wanted is None or names is None else [name for name in wanted if name not in names]
        if absent:
            raise ValueError(f"{_FUNCTION} did not give {', '.join(absent[:8])}, which the model takes")
        if width is not None and (names is None or wanted is None) and len(columns) != width:
            raise ValueError(f"{_FUNCTION} gave {len(columns)} values and the model takes {width}")
        if wanted is not None and names is not None:
            columns = [columns[names.index(name)] for name in wanted]
        elif wanted is None and self._model.columns is not None:
            names = None
        called = list(wanted or names or [f"f{place}" for place in range(len(columns))])
        return Columns(called, len(vectors), {name: _array(column) for name, column in zip(called, columns)})


def _array(values: Sequence[Any]) -> np.ndarray | list:
    """Numbers as an array, and everything else, missing values among it, as it is."""
    array = np.array(values) if all(isinstance(value, (int, float, np.number, np.bool_)) for value in values) else None
    return list(values) if array is None or array.dtype.kind not in "fiub" else array


def _named_row(made: Any) -> tuple[list[str] | None, list[Any]]:
    """Names, where the answer of the transformer has any, and the values of one row."""
    if isinstance(made, tuple) and hasattr(made, "_asdict"):
        made = made._asdict()
    if hasattr(made, "toarray"):
        made = made.toarray()
    if hasattr(made, "iloc") and hasattr(made, "columns"):
        if len(made) != 1:
            raise ValueError(f"{_FUNCTION} gave a DataFrame of {len(made)} rows for one row")
        [values] = made.itertuples(index=False, name=None)
        return [str(name) for name in made.columns], list(values)
    if isinstance(made, Mapping) or hasattr(made, "iloc"):
        members = dict(made)
        return [str(name) for name in members], [_lone(value) for value in members.values()]
    return None, list(_row_of(made))


def _row_of(made: Any) -> Sequence[Any]:
    if isinstance(made, (str, bytes)) or not (hasattr(made, "__array__") or isinstance(made, (list, tuple))):
        raise ValueError(
            f"{_FUNCTION} gave a {type(made).__name__}: it must give a list, an array, a dict or a DataFrame"
        )
    if isinstance(made, (list, tuple)) and len(made) == 1 and isinstance(made[0], (list, tuple, np.ndarray)):
        made = made[0]
    array = np.asarray(made) if hasattr(made, "__array__") else None
    if array is None:
        return made
    if array.ndim == 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 1:
        raise ValueError(f"{_FUNCTION} gave an array of the shape {array.shape} for one row")
    return array.tolist()


def _lone(value: Any) -> Any:
    """A dict of columns of one row, as DataFrames are made of, means the row."""
    if isinstance(value, (list, tuple, np.ndarray)) and len(value) == 1:
        return value[0]
    return value


def _plain_values(column: InputColumn, columns: Columns) -> list[Any]:
    """A column as a caller's JSON has it: Python's own values, None for a missing one."""
    values = column.read(columns).tolist()
    return [None if isinstance(value, float) and value != value else value for value in values]


def _function_of(file: Path) -> Callable[[dict[str, Any]], Any]:
    name = "feature_transformer"
    with importing_from(file.parent), refusing(file.name):
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ModelUnreadable(f"{file.name} is no module")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    function = getattr(module, _FUNCTION, None)
    if not callable(function):
        raise ModelUnreadable(f"{file.name} has no function {_FUNCTION}(raw_data)")
    return function


def _fields_of(function: Callable[..., Any], folder: Path, file: Path) -> list[InputColumn]:
    """The raw fields, by an example row beside the transformer or by the class that its parameter is annotated with."""
    has_mlmodel = (folder / "MLmodel").is_file() and "flavors:\n  slipway:" not in (folder / "MLmodel").read_text()
    for name in _EXAMPLES[: 1 if has_mlmodel else 2]:
        for example in {folder / name, file.parent / name}:
            if example.is_file():
                return _fields_of_example(example)
    annotated = _fields_of_annotation(function)
    if annotated:
        return annotated
    raise ModelUnreadable(
        f"{file.name} does not say which fields {_FUNCTION} takes: put one raw row as raw_input_example.json beside it, or "
        "annotate its parameter with a TypedDict, dataclass or pydantic model"
    )


def _fields_of_example(example: Path) -> list[InputColumn]:
    try:
        rows = json.loads(example.read_text("utf-8"))
    except ValueError as error:
        raise ModelUnreadable(f"{example.name} is not valid JSON: {error}") from error
    rows = rows if isinstance(rows, list) else [rows]
    if not rows or not all(isinstance(row, dict) and row for row in rows):
        raise ModelUnreadable(f"{example.name} is no row: give an object of field to value, or a list of such objects")
    names = list(dict.fromkeys(name for row in rows for name in row))
    fields = []
    for name in names:
        given = [row[name] for row in rows if row.get(name) is not None]
        required = all(name in row for row in rows)
        fields.append(
            InputColumn(
                name,
                _type_of_values(given),
                required=required,
                nullable=not required or len(given) < len(rows),
                missing_text=None,
            )
        )
    return fields


def _type_of_values(values: Sequence[Any]) -> str:
    """A number of an example is a number: 3 there does not say that 3.5 is wrong."""
    if values and all(isinstance(value, bool) for value in values):
        return "bool"
    if values and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return "float64"
    return "string"


def _fields_of_annotation(function: Callable[..., Any]) -> list[InputColumn]:
    parameters = list(inspect.signature(function).parameters)
    hints = typing.get_type_hints(function)
    kind = hints.get(parameters[0]) if parameters else None
    if not isinstance(kind, type) or kind.__module__ == "builtins" or not getattr(kind, "__annotations__", None):
        return []
    return [_field_of_hint(name, hint) for name, hint in typing.get_type_hints(kind).items()]


def _field_of_hint(name: str, hint: Any) -> InputColumn:
    options = typing.get_args(hint)
    nullable = type(None) in options
    inner = next((option for option in options if option is not type(None)), hint) if nullable else hint
    return InputColumn(name, _TYPES.get(inner, "string"), required=not nullable, nullable=nullable, missing_text=None)
