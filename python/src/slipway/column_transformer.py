"""A fitted ColumnTransformer of scikit-learn as a transform."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Callable, Optional, Sequence, Union

import numpy as np

from ._columns import _is_missing
from ._engine import engine
from .errors import TransformError
from .transform import Transform

_SCHEMA = "slipway.transform/1"


def from_column_transformer(ct: Any, sample_df: Any = None) -> Transform:
    """Reads a fitted ColumnTransformer; its columns come out in the same order, equal to 1e-6.

    ``sample_df`` are raw rows, some of those it was fitted on: they tell integers and booleans from other numbers and
    which fields are never missing, and both must make the same of them. Without it a number may be missing wherever
    scikit-learn passes NaN on. TransformError names each class, parameter and column that a transform cannot say.
    """
    return Transform(_Reading(ct, sample_df).document())


@dataclass(frozen=True)
class _Chain:
    """One column on its way: from a raw column through steps to one number, or to ``parts`` columns."""

    column: int
    name: str
    steps: tuple = ()
    #: What the raw column holds: number, text, boolean, or None where nothing told yet.
    kind: Optional[str] = None
    #: What flows now, after the steps.
    flows: Optional[str] = None
    may_miss: bool = True
    #: No missing value may come in.
    strict: bool = False
    parts: int = 1
    #: The text that stands for a missing one, while it is the only step.
    filled: Optional[str] = None

    def then(self, *steps: dict, **changes: Any) -> _Chain:
        return replace(self, steps=self.steps + steps, **changes)

    def reading(self, kind: str) -> _Chain:
        """As a chain whose raw column holds ``kind``, if nothing said so before."""
        if self.kind is not None:
            return self
        return replace(self, kind=kind, flows="text" if kind == "text" else "number")


class _Refused(Exception):
    pass


class _Reading:
    def __init__(self, ct: Any, sample: Any) -> None:
        self._problems: list[dict[str, str]] = []
        self._ct, self._sample = ct, sample
        if not _is_sklearn(ct, "ColumnTransformer"):
            raise TransformError("TRANSFORM_INVALID", f"This is a {type(ct).__name__}, not a ColumnTransformer")
        if not hasattr(ct, "transformers_"):
            raise TransformError("TRANSFORM_INVALID", "The ColumnTransformer is not fitted: call its fit first")
        names = getattr(ct, "feature_names_in_", None)
        if names is None and sample is not None:
            names = list(sample.columns)
        if names is None:
            names = [f"x{i}" for i in range(ct.n_features_in_)]
        self._names = [str(name) for name in names]

    def document(self) -> dict[str, Any]:
        chains = self._chains()
        fields = self._fields(chains)
        outputs = self._outputs(chains)
        if not outputs and not self._problems:
            self._refuse("ColumnTransformer", "makes no columns")
        if self._problems:
            raise TransformError("TRANSFORM_INVALID", "A transform cannot say all of this", self._problems)
        document = {"schema": _SCHEMA, "fields": fields, "outputs": outputs}
        self._compare(document)
        return document

    def _chains(self) -> list[_Chain]:
        weights = getattr(self._ct, "transformer_weights", None)
        if weights:
            self._refuse("ColumnTransformer", "transformer_weights: multiply inside the model instead")
        found: list[_Chain] = []
        for name, transformer, selected in self._ct.transformers_:
            if isinstance(transformer, str) and transformer == "drop":
                continue
            columns = _positions(selected, self._names)
            prefix = f"{name}__" if getattr(self._ct, "verbose_feature_names_out", True) is True else ""
            begin = [_Chain(i, prefix + self._names[i]) for i in columns]
            found += self._through(transformer, begin, name)
        return found

    def _through(self, transformer: Any, chains: list[_Chain], path: str) -> list[_Chain]:
        """The chains after a transformer; those it is refused for are left out."""
        if not chains or transformer is None or (isinstance(transformer, str) and transformer == "passthrough"):
            return chains
        if _is_sklearn(transformer, "Pipeline"):
            for name, step in transformer.steps:
                chains = self._through(step, chains, f"{path}.{name}")
            return chains
        read = _READERS.get(type(transformer).__name__)
        name = type(transformer).__name__
        if read is None or not _is_sklearn(transformer, name):
            known = ", ".join(sorted(_READERS))
            columns = ", ".join(self._names[chain.column] for chain in chains)
            self._refuse(f"{path}: {name}", f"of {columns}: only {known} and Pipelines of them can be said")
            return []
        after: list[_Chain] = []
        later: list[_Chain] = []
        for i, chain in enumerate(chains):
            try:
                if chain.parts > 1 and name != "FunctionTransformer":
                    raise _Refused("follows an encoding into several columns: encode last")
                first, *marks = read(transformer, i, chain) or [None]
                after += [] if first is None else [first]
                later += marks
            except _Refused as error:
                self._refuse(f"{path}: {name}", f"{self._names[chain.column]}: {error}")
        return after + later

    def _fields(self, chains: list[_Chain]) -> list[dict[str, Any]]:
        fields, defaults = [], self._defaults(chains)
        for column in sorted({chain.column for chain in chains}):
            name = self._names[column]
            uses = [chain for chain in chains if chain.column == column]
            kinds = sorted({chain.kind for chain in uses if chain.kind is not None})
            if len(kinds) > 1 and set(kinds) != {"boolean", "number"}:
                self._refuse(name, f"is read as {' and as '.join(kinds)}: give one of them a column of its own")
            of_sample, has_missing = self._sampled(name)
            if of_sample is None and "text" not in kinds:
                self._refuse(name, "holds no numbers, and no encoder makes numbers of it")
            kind = "string" if "text" in kinds else "boolean" if kinds == ["boolean"] else of_sample or "number"
            entry: dict[str, Any] = {"name": name, "type": kind}
            if column in defaults:
                entry["default"] = defaults[column]
            elif not any(chain.strict for chain in uses) and has_missing:
                entry["required"] = False
            fields.append(entry)
        return fields

    def _outputs(self, chains: list[_Chain]) -> list[dict[str, Any]]:
        defaults = self._defaults(chains)
        outputs, names = [], set()
        for chain in chains:
            steps = list(chain.steps)
            if chain.column in defaults:
                steps = steps[1:]
            if any(step.get("unknown") == "error" for step in steps[1:]):
                self._refuse(
                    self._names[chain.column],
                    "handle_unknown='error' of an encoder: only a text column itself, or one whose missing values "
                    "one SimpleImputer fills, can refuse a category; let the encoder ignore it or give it a value",
                )
            name = _unique(chain.name, names)
            output: dict[str, Any] = {"name": name, "from": self._names[chain.column], "steps": steps}
            optional = not chain.strict and self._sampled(self._names[chain.column])[1]
            if chain.may_miss and (optional or any(_loses(step) for step in steps)):
                output["missing"] = "nan"
            outputs.append(output)
        return outputs

    def _defaults(self, chains: list[_Chain]) -> dict[int, str]:
        """Texts that can stand for a missing one before the first step, so that an encoder there can refuse."""
        fills: dict[int, set] = {}
        for chain in chains:
            fills.setdefault(chain.column, set()).add(chain.filled)
        return {column: next(iter(of)) for column, of in fills.items() if len(of) == 1 and None not in of}

    def _sampled(self, name: str) -> tuple[Optional[str], bool]:
        """Type of a column that holds numbers, None for one that does not, and whether values may be missing."""
        if self._sample is None or name not in self._sample.columns:
            return "number", True
        column = self._sample[name]
        types = {"b": "boolean", "i": "integer", "u": "integer", "f": "number"}
        return types.get(getattr(column.dtype, "kind", "O")), bool(column.isna().any())

    def _compare(self, document: dict[str, Any]) -> None:
        if self._sample is None:
            return
        made = Transform(document).transform(self._sample)
        expected = self._ct.transform(self._sample)
        expected = expected.toarray() if hasattr(expected, "toarray") else np.asarray(expected)
        # It calculates in float32 where the frame is in float32.
        near = 1e-6 if expected.dtype == np.float32 else 1e-12
        expected = expected.astype(np.float64)
        if made.shape == expected.shape and np.allclose(made, expected, rtol=1e-6, atol=near, equal_nan=True):
            return
        if made.shape != expected.shape:
            detail = f"{made.shape[1]} columns instead of {expected.shape[1]}"
        else:
            far = ~np.isclose(made, expected, rtol=1e-6, atol=near, equal_nan=True)
            names = Transform(document).columns
            detail = "other values in " + ", ".join(names[i] for i in np.flatnonzero(far.any(axis=0))[:5])
        raise TransformError("TRANSFORM_INVALID", f"The transform does not make the same of sample_df: {detail}")

    def _refuse(self, path: str, message: str) -> None:
        problem = {"path": path, "message": message}
        if problem not in self._problems:
            self._problems.append(problem)


def _standard_scaler(scaler: Any, i: int, chain: _Chain) -> list[_Chain]:
    options = {"centre": bool(scaler.with_mean), "scale": bool(scaler.with_std)}
    fitted = {
        "mean": float(scaler.mean_[i]) if scaler.with_mean else 0,
        "scale": float(scaler.scale_[i]) if scaler.with_std else 1,
    }
    off = {name: value for name, value in options.items() if not value}
    return [_number(chain).then({"op": "standardise", **off, "fitted": fitted})]


def _min_max_scaler(scaler: Any, i: int, chain: _Chain) -> list[_Chain]:
    low, high = map(float, scaler.feature_range)
    least, most = float(scaler.data_min_[i]), float(scaler.data_max_[i])
    # What it takes for a constant column, the language takes for one only where both ends are the same.
    if most - least < 10 * np.finfo(np.float64).eps:
        most = least
    steps: list[dict] = [{"op": "min_max", "low": low, "high": high, "fitted": {"min": least, "max": most}}]
    if scaler.clip:
        steps.append({"op": "clip", "min": low, "max": high})
    return [_number(chain).then(*steps)]


def _simple_imputer(imputer: Any, i: int, chain: _Chain) -> list[Optional[_Chain]]:
    if not _is_missing(imputer.missing_values):
        raise _Refused(f"missing_values={imputer.missing_values!r}: only NaN, None and pd.NA are missing values")
    value = imputer.statistics_[i]
    indicator = imputer.indicator_
    marked: list[_Chain] = []
    if isinstance(value, str):
        chain = chain.reading("text")
        if chain.flows != "text":
            raise _Refused("puts a text among numbers")
        filled = None if chain.steps or indicator is not None else str(value)
        made = chain.then({"op": "fill", "with": str(value)}, may_miss=False, filled=filled)
    else:
        chain = _number(chain)
        if _is_missing(value):
            # It drops a column that it saw no value of.
            made = None
        elif not isinstance(value, (int, float, np.number, np.bool_)):
            raise _Refused(f"puts a {type(value).__name__} in the place of a missing value: only numbers and texts can")
        else:
            by = imputer.strategy if imputer.strategy in ("mean", "median") else float(value)
            made = chain.then({"op": "impute", "with": by, "fitted": {"value": float(value)}}, may_miss=False)
    if indicator is not None and i in set(indicator.features_.tolist()):
        name = f"{chain.name}_is_missing"
        marked = [chain.then({"op": "is_missing"}, may_miss=False, flows="number", name=name)]
    return [made, *marked]


def _one_hot_encoder(encoder: Any, i: int, chain: _Chain) -> list[_Chain]:
    infrequent = getattr(encoder, "infrequent_categories_", None) if _groups(encoder) else None
    if infrequent is not None and infrequent[i] is not None:
        raise _Refused("min_frequency or max_categories puts categories together: replace them before")
    categories, misses = _categories(encoder.categories_[i])
    chain, texts = _as_texts(chain, categories)
    drops = None if encoder.drop_idx_ is None else encoder.drop_idx_[i]
    ignores = encoder.handle_unknown != "error"
    step: dict[str, Any] = {"op": "one_hot", "unknown": "zeros" if ignores else "error"}
    missing = "category" if misses else "zeros" if ignores else "error"
    if drops is not None and int(drops) == len(texts):
        missing = "zeros"
    elif drops is not None:
        texts.insert(0, texts.pop(int(drops)))
        step["drop_first"] = True
    step.update(missing=missing, fitted={"categories": texts})
    parts = len(texts) + int(missing == "category") - int("drop_first" in step)
    if parts == 0:
        return []
    strict = chain.strict or (missing == "error" and chain.may_miss)
    # A vector of one column takes no further step either.
    return [chain.then(step, flows="vector", parts=max(2, parts), may_miss=False, strict=strict)]


def _ordinal_encoder(encoder: Any, i: int, chain: _Chain) -> list[_Chain]:
    infrequent = getattr(encoder, "infrequent_categories_", None) if _groups(encoder) else None
    if infrequent is not None and infrequent[i] is not None:
        raise _Refused("min_frequency or max_categories puts categories together: replace them before")
    categories, misses = _categories(encoder.categories_[i])
    chain, texts = _as_texts(chain, categories)
    step: dict[str, Any] = {"op": "ordinal", "unknown": "error", "missing": "error"}
    strict, may_miss = chain.strict, False
    if encoder.handle_unknown == "use_encoded_value":
        if _is_missing(encoder.unknown_value):
            step["unknown"] = "missing"
            may_miss = True
        else:
            step.update(unknown="other", unknown_value=float(encoder.unknown_value))
    if misses:
        absent: Any = getattr(encoder, "encoded_missing_value", np.nan)
    else:
        absent = encoder.unknown_value if encoder.handle_unknown == "use_encoded_value" else None
    if absent is None:
        strict = strict or chain.may_miss
    elif _is_missing(absent):
        may_miss = may_miss or chain.may_miss
    else:
        step.update(missing="category", missing_value=float(absent))
    step["fitted"] = {"categories": texts}
    return [chain.then(step, flows="number", may_miss=may_miss, strict=strict)]


def _k_bins_discretizer(binner: Any, i: int, chain: _Chain) -> list[_Chain]:
    chain = _number(chain)
    edges = [float(edge) for edge in binner.bin_edges_[i][1:-1]]
    # A single bin has no inner edge.
    bins = {"op": "bin", "edges": edges, "fitted": {"edges": edges}} if edges else {"op": "clip", "min": 0, "max": 0}
    chain = chain.then(bins, strict=chain.strict or chain.may_miss, may_miss=False)
    if binner.encode == "ordinal":
        return [chain]
    texts = [str(n) for n in range(len(edges) + 1)]
    step = {"op": "one_hot", "unknown": "zeros", "fitted": {"categories": texts}}
    return [chain.then({"op": "as_text"}, step, flows="vector", parts=max(2, len(texts)))]


def _function_transformer(transformer: Any, i: int, chain: _Chain) -> list[_Chain]:
    if transformer.func is None:
        return [chain]
    if transformer.func is not np.log1p:
        name = getattr(transformer.func, "__name__", repr(transformer.func))
        raise _Refused(f"func={name}: only np.log1p and the identity can be said; compute the column before")
    if transformer.kw_args:
        raise _Refused(f"kw_args={transformer.kw_args!r} of np.log1p: leave them out")
    if chain.parts > 1:
        raise _Refused("follows an encoding into several columns: encode last")
    return [_number(chain).then({"op": "log1p"}, may_miss=True)]


_READERS: dict[str, Callable[[Any, int, _Chain], list]] = {
    "StandardScaler": _standard_scaler,
    "MinMaxScaler": _min_max_scaler,
    "SimpleImputer": _simple_imputer,
    "OneHotEncoder": _one_hot_encoder,
    "OrdinalEncoder": _ordinal_encoder,
    "KBinsDiscretizer": _k_bins_discretizer,
    "FunctionTransformer": _function_transformer,
}


def _number(chain: _Chain) -> _Chain:
    chain = chain.reading("number")
    if chain.flows == "text":
        raise _Refused("takes numbers, and the column holds texts")
    return chain


def _groups(encoder: Any) -> bool:
    return getattr(encoder, "min_frequency", None) is not None or getattr(encoder, "max_categories", None) is not None


def _categories(given: np.ndarray) -> tuple[list, bool]:
    """The categories, and whether a missing value is the last of them."""
    present = [value for value in given.tolist() if not _is_missing(value)]
    absent = len(given) - len(present)
    if absent > 1:
        raise _Refused("categories_ holds both None and NaN: make one of them")
    return present, absent == 1


def _as_texts(chain: _Chain, categories: list) -> tuple[_Chain, list]:
    """The categories as texts, and the chain to the point where these flow."""
    if all(isinstance(category, str) for category in categories):
        chain = chain.reading("text")
        if chain.flows != "text":
            raise _Refused("has categories of text, and numbers come to it")
        return chain, list(map(str, categories))
    if all(isinstance(category, (bool, np.bool_)) for category in categories):
        chain = chain.reading("boolean")
    elif all(isinstance(category, (int, float)) and not isinstance(category, bool) for category in categories):
        chain = chain.reading("number")
    else:
        raise _Refused("categories_ holds values of several types: make the column texts or numbers")
    if chain.flows == "text":
        raise _Refused("has categories that are not texts, and texts come to it")
    numbers = [float(category) for category in categories]
    if not all(map(math.isfinite, numbers)):
        raise _Refused("categories_ holds an infinite number: replace it")
    return chain.then({"op": "as_text"}, flows="text"), engine().call("texts", numbers=numbers)


def _loses(step: dict) -> bool:
    return step["op"] == "log1p" or step.get("unknown") == "missing"


def _positions(selected: Any, names: Sequence[str]) -> list[int]:
    """Places of the selected columns: names, positions, a slice of either, or a mask."""
    if isinstance(selected, slice):
        if isinstance(selected.start, str) or isinstance(selected.stop, str):
            start = 0 if selected.start is None else names.index(selected.start)
            stop = len(names) if selected.stop is None else names.index(selected.stop) + 1
            return list(range(start, stop, selected.step or 1))
        return list(range(*selected.indices(len(names))))
    items = [selected] if isinstance(selected, (str, int, np.integer)) else list(selected)
    if items and all(isinstance(item, (bool, np.bool_)) for item in items):
        return [i for i, taken in enumerate(items) if taken]
    return [_position(item, names) for item in items]


def _position(item: Union[str, int], names: Sequence[str]) -> int:
    if isinstance(item, str):
        return names.index(item)
    return int(item) if item >= 0 else len(names) + int(item)


def _is_sklearn(transformer: Any, name: str) -> bool:
    """Itself: a class made of it may do something else."""
    return type(transformer).__name__ == name and type(transformer).__module__.partition(".")[0] == "sklearn"


def _unique(name: str, names: set) -> str:
    candidate, n = name, 1
    while candidate in names:
        n += 1
        candidate = f"{name}_{n}"
    names.add(candidate)
    return candidate
