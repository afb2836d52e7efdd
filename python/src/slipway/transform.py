"""One transform for training and serving."""

from __future__ import annotations

import copy
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional, Union

import numpy as np
import pandas as pd

from ._columns import Column, as_frame, column_named, columns_of
from ._engine import Engine, engine
from .errors import TransformError

_PIECE_BYTES = 1 << 23
_PIECE_ROWS = 1 << 16


class Transform:
    """Raw columns to the numbers that a model takes, as a document (``slipway.transform/1``) declares them.

    The engine is the one that serves: the same rows give the same float32 values to the last bit. It behaves as a
    transformer of scikit-learn, which is not needed for it. Missing values are None, NaN, NaT or pd.NA; a time
    without a zone is in UTC. Every error is a :class:`TransformError`.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.spec = spec
        self._read()

    @classmethod
    def load(cls, source: Union[str, os.PathLike, Mapping[str, Any]]) -> Transform:
        """Reads a document, fitted or not, from a YAML or JSON file, or takes it as a mapping."""
        if isinstance(source, Mapping):
            return cls.from_dict(source)
        text = Path(source).read_text(encoding="utf-8")
        return cls(engine().call("parse", text=text))

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Transform:
        return cls(copy.deepcopy(dict(document)))

    @classmethod
    def from_mappings(cls, block: Mapping[str, Any]) -> Transform:
        """A transform of ``feature_names`` and ``encoding_mappings``, as training code leaves them behind."""
        return cls(engine().call("fromMappings", block=_plain(block)))

    def _read(self, fitted: Optional[Mapping[str, Any]] = None) -> None:
        read = engine().call("read", document=_plain(self.spec if fitted is None else fitted))
        self._document: dict[str, Any] = read["document"]
        self._canonical: str = read["canonical"]
        self._columns: Optional[list[str]] = read["columns"]
        self._open: list[dict[str, str]] = read["open"]

    @property
    def document(self) -> dict[str, Any]:
        """The document, with what was learnt once it is fitted."""
        return copy.deepcopy(self._document)

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that say what the transform is; ``slipway transform check`` tells the same."""
        return hashlib.sha256(self._canonical.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def columns(self) -> list[str]:
        """Names of the columns that it makes, in their order; known once it is fitted."""
        self._require_fitted()
        return list(self._columns or [])

    def fit(self, X: Any, y: Any = None) -> Transform:
        """Learns from training rows, anew each time. ``y`` is the label, where the frame has no target column."""
        names = self._names()
        frame = as_frame(X, names)
        columns = columns_of(frame, names)
        labels = self._labels(frame, y)
        run = engine()
        with run.lock:
            begun = run.call("beginFit", document=self._document)
            try:
                fitted = None if not begun["done"] else self._document
                while fitted is None:
                    for piece in _pieces(run, columns, len(frame), 0, labels):
                        run.call("learn", id=begun["id"], **piece.layout)
                    fitted = run.call("endPass", id=begun["id"])
            finally:
                run.call("close", id=begun["id"])
        self._read(fitted)
        return self

    def transform(self, X: Any) -> Union[np.ndarray, pd.DataFrame]:
        """The rows as float32, one row each; a data frame after ``set_output(transform="pandas")``."""
        frame = as_frame(X, self._names())
        values = self._values(frame)
        return self._framed(frame, values) if getattr(self, "_output", None) == "pandas" else values

    def apply(self, df: Any) -> pd.DataFrame:
        """The rows as float32 columns, with the index of the frame."""
        frame = as_frame(df, self._names())
        return self._framed(frame, self._values(frame))

    def fit_transform(self, X: Any, y: Any = None) -> Union[np.ndarray, pd.DataFrame]:
        return self.fit(X, y).transform(X)

    def save(self, path: Union[str, os.PathLike]) -> None:
        """Writes the document as JSON, whole or not at all."""
        target = Path(path)
        text = engine().call("text", document=self._document)
        handle, part = tempfile.mkstemp(dir=str(target.parent), prefix=target.name, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(part, 0o644)
            os.replace(part, target)
        except BaseException:
            os.unlink(part)
            raise

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        return np.array(self.columns, dtype=object)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"spec": self.spec}

    def set_params(self, **params: Any) -> Transform:
        unknown = sorted(set(params) - {"spec"})
        if unknown:
            raise ValueError(f"Transform has no parameter {', '.join(unknown)}; it has spec")
        if "spec" in params:
            self.spec = params["spec"]
            self._read()
        return self

    def set_output(self, *, transform: Optional[str] = None) -> Transform:
        """What ``transform`` gives: ``"default"`` an array, ``"pandas"`` a data frame."""
        if transform not in (None, "default", "pandas"):
            raise ValueError(f'set_output takes "default" or "pandas", not {transform!r}')
        if transform is not None:
            self._output = transform
        return self

    @property
    def n_features_in_(self) -> int:
        return len(self._document["fields"])

    @property
    def feature_names_in_(self) -> np.ndarray:
        return np.array(self._names(), dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return self._columns is not None

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="transformer",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float32"]),
            input_tags=InputTags(string=True, categorical=True, allow_nan=True),
        )

    def __repr__(self) -> str:
        outputs = len(self._document["outputs"])
        state = "not fitted" if self._columns is None else f"{len(self._columns)} columns"
        return f"Transform({self.n_features_in_} fields, {outputs} outputs, {state})"

    def _names(self) -> list[str]:
        return [field["name"] for field in self._document["fields"]]

    def _require_fitted(self) -> None:
        if self._columns is None:
            raise TransformError("TRANSFORM_INVALID", "The transform is not fitted", self._open)

    def _labels(self, frame: Any, y: Any) -> Optional[Column]:
        target = self._document.get("target")
        if target is None:
            return None
        given = column_named(frame, target)
        if given is None and y is not None:
            given = pd.Series(np.asarray(y))
        needs = any(step["op"] == "target" for output in self._document["outputs"] for step in output["steps"])
        if given is None:
            if not needs:
                return None
            problem = {"path": target, "message": "is not a column of the data: give the label as y"}
            raise TransformError("INPUT_INVALID", "The target is missing", [problem])
        if len(given) != len(frame):
            raise TransformError("INPUT_INVALID", f"y has {len(given)} values for {len(frame)} rows")
        if not pd.api.types.is_numeric_dtype(given.dtype) and not pd.api.types.is_bool_dtype(given.dtype):
            given = pd.to_numeric(given, errors="coerce")
        return Column("numbers", given.to_numpy(np.float64, na_value=np.nan))

    def _values(self, frame: Any) -> np.ndarray:
        self._require_fitted()
        width = len(self._columns or [])
        columns = columns_of(frame, self._names())
        values = np.empty((len(frame), width), np.float32)
        run = engine()
        with run.lock:
            opened = run.call("beginApply", document=self._document)["id"]
            try:
                for piece in _pieces(run, columns, len(frame), width):
                    run.call("apply", id=opened, **piece.layout)
                    values[piece.start : piece.stop] = piece.out
                run.call("endApply", id=opened)
            finally:
                run.call("close", id=opened)
        return values

    def _framed(self, frame: Any, values: np.ndarray) -> pd.DataFrame:
        index = frame.index if isinstance(frame, pd.DataFrame) else None
        return pd.DataFrame(values, columns=self.columns, index=index, copy=False)


class _Piece:
    """Some rows of a table in the buffer of the engine: what it is told of them, and where its answer lies."""

    def __init__(self, start: int, stop: int, layout: dict[str, Any], out: np.ndarray) -> None:
        self.start, self.stop, self.layout, self.out = start, stop, layout, out


def _pieces(
    run: Engine, columns: Mapping[str, Column], rows: int, width: int, labels: Optional[Column] = None
) -> Iterator[_Piece]:
    """Lays the table into the buffer piece by piece; each is used before the next is asked for."""
    row_bytes = 8 * (len(columns) + 1) + 4 * width
    most = max(256, min(_PIECE_ROWS, _PIECE_BYTES // row_bytes))
    for start in range(0, rows, most):
        stop = min(rows, start + most)
        count = stop - start
        parts = [(name, column.piece(start, stop)) for name, column in columns.items()]
        if labels is not None:
            parts.append(("", labels.piece(start, stop)))
        out_at = sum(_padded(part.data.nbytes) for _, part in parts)
        buffer = run.buffer(out_at + 4 * count * width)
        at, layouts = 0, []
        for name, part in parts:
            size = part.data.nbytes
            buffer[at : at + size] = np.ascontiguousarray(part.data).view(np.uint8)
            values = {} if part.values is None else {"values": part.values.tolist()}
            layouts.append({"name": name, "kind": part.kind, "at": at, **values})
            at += _padded(size)
        layout: dict[str, Any] = {"first": start + 1, "count": count, "out": out_at}
        if labels is not None:
            layout["labels"] = layouts.pop()["at"]
        layout["columns"] = layouts
        out = buffer[out_at : out_at + 4 * count * width].view(np.float32).reshape(count, width)
        yield _Piece(start, stop, layout, out)


def _padded(size: int) -> int:
    return -(-size // 8) * 8


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as JSON has them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    return value.item() if isinstance(value, np.generic) else value
