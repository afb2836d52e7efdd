"""Encoders of fields as notebooks keep them: a value in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from slipway_worker.facts import ColumnNote, feature_names_of
from slipway_worker.port import ModelUnreadable
from slipway_worker.tables import InputColumn, frame_of, require_pandas

_SUFFIXES = ("_encoded", "_enc", "_code", "_le", "_label")
_MISSING = object()


class FieldEncoder(Protocol):
    """Makes the columns `outputs` of the raw columns `columns`."""

    #: The file, or the key in it, for messages.
    source: str
    columns: tuple[InputColumn, ...]
    outputs: tuple[str, ...]

    def encode(self, arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]: ...


class TableEncoder:
    """LabelEncoder, or a mapping of value to number: one field, one column."""

    def __init__(self, source: str, field: str, output: str, codes: Mapping[Any, float]) -> None:
        self.source = source
        note = ColumnNote()
        note.take_categories(np.array(list(codes), object), unknown_fails=True)
        self.columns = (note.column(field),)
        self.outputs = (output,)
        self._codes = {_key(value): code for value, code in codes.items()}
        whole = all(isinstance(code, int) for code in self._codes.values())
        self._dtype = np.dtype(np.int64 if whole else np.float64)

    def encode(self, arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        [values] = arrays
        try:
            return [np.array([self._codes[_key(value)] for value in values.tolist()], self._dtype)]
        except KeyError as error:
            value = "a missing value" if error.args[0] is _MISSING else repr(error.args[0])
            raise ValueError(f'"{self.columns[0].name}": {self.source} does not know {value}') from None


class LibraryEncoder:
    """An encoder of scikit-learn or of its kind, over one field or several."""

    def __init__(self, source: str, fields: Sequence[str], outputs: Sequence[str], encoder: Any) -> None:
        self.source = source
        self.outputs = tuple(outputs)
        self._encoder = encoder
        fails = getattr(encoder, "handle_unknown", "ignore") == "error"
        columns = []
        for field, known in zip(fields, encoder.categories_):
            note = ColumnNote()
            note.take_categories(np.asarray(known), fails)
            columns.append(note.column(field))
        self.columns = tuple(columns)
        names = feature_names_of(encoder)
        self._index = None if names is None else require_pandas().Index(names)

    def encode(self, arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        rows = len(arrays[0])
        if self._index is not None:
            table = frame_of(self._index, arrays, rows)
        else:
            table = np.empty((rows, len(arrays)), object)
            for place, array in enumerate(arrays):
                table[:, place] = array
        encoded = self._encoder.transform(table)
        encoded = encoded.toarray() if hasattr(encoded, "toarray") else np.asarray(encoded)
        return list(encoded.T)


def _key(value: Any) -> Any:
    return _MISSING if value is None or (isinstance(value, float) and value != value) else value


def require_fields(source: str, encoders: Any) -> None:
    """Refuses an encoder that does not say which fields it is for."""
    if isinstance(encoders, Mapping) or (feature_names_of(encoders) is not None and hasattr(encoders, "transform")):
        return
    raise ModelUnreadable(
        f"{source} is one {type(encoders).__name__} and does not say which fields it encodes: save a dict of field to "
        "encoder, as in {'city': encoder}, or fit it with a DataFrame; an encoder of the answer is called target_encoder"
    )


def field_encoders(source: str, encoders: Any, features: Sequence[str]) -> list[FieldEncoder]:
    """The encoders of a file: one for each field of a dict, or one that was fitted with named columns."""
    if isinstance(encoders, Mapping):
        return [field_encoder(f'{source}["{field}"]', str(field), each, features) for field, each in encoders.items()]
    return [_of_library(source, feature_names_of(encoders) or [], encoders, features)]


def field_encoder(source: str, field: str, encoder: Any, features: Sequence[str]) -> FieldEncoder:
    """The encoder of one field."""
    codes = codes_of(source, encoder)
    if codes is not None:
        return TableEncoder(source, field, _output_name(source, field, features), codes)
    if not hasattr(encoder, "transform") or not hasattr(encoder, "categories_"):
        raise ModelUnreadable(
            f"{source} is a {type(encoder).__name__}: give a LabelEncoder, OrdinalEncoder, OneHotEncoder or a mapping of "
            "value to number"
        )
    if len(encoder.categories_) != 1:
        raise ModelUnreadable(f"{source} encodes {len(encoder.categories_)} columns, and stands for one field")
    return _of_library(source, [field], encoder, features)


def codes_of(source: str, encoder: Any) -> dict[Any, float] | None:
    """The number of each value, for what is a table of them; None for other encoders."""
    if type(encoder).__name__ == "LabelEncoder":
        return {value: code for code, value in enumerate(encoder.classes_.tolist())}
    if isinstance(encoder, (list, tuple)):
        return {value: code for code, value in enumerate(encoder)}
    if not isinstance(encoder, Mapping):
        return None
    codes = {_plain(value): _plain(code) for value, code in encoder.items()}
    wrong = next((code for code in codes.values() if not isinstance(code, (int, float))), None)
    if wrong is not None:
        raise ModelUnreadable(f"{source} maps a value to {wrong!r}, which is no number: map values to numbers")
    return codes


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _of_library(source: str, fields: Sequence[str], encoder: Any, features: Sequence[str]) -> FieldEncoder:
    if hasattr(encoder, "categories_") and not _keeps_width(encoder):
        known = feature_names_of(encoder)
        outputs = [str(name) for name in encoder.get_feature_names_out(None if known is not None else list(fields))]
        absent = [name for name in outputs if name not in features]
        if absent:
            raise ModelUnreadable(
                f"{source} makes the columns {_listed(outputs)}, and the model has no {_listed(absent)}: save the names "
                "of its columns, in order, as feature_names.json"
            )
    else:
        outputs = [_output_name(source, field, features) for field in fields]
    return LibraryEncoder(source, fields, outputs, encoder)


def _keeps_width(encoder: Any) -> bool:
    return type(encoder).__name__ != "OneHotEncoder"


def _output_name(source: str, field: str, features: Sequence[str]) -> str:
    """The column that holds the encoded field: of its own name, or of that with an ending that says so."""
    named = [name for name in (field, *(field + suffix for suffix in _SUFFIXES)) if name in features]
    if len(named) > 1:
        raise ModelUnreadable(
            f"{source} encodes a field of which the model has {_listed(named)}: name the encoder as the column that it makes"
        )
    return named[0] if named else field


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
