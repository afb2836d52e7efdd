"""What a fitted estimator tells of itself: the columns that it takes, their types, and the packages in use."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slipway_worker.tables import InputColumn

#: Distribution of each module whose version decides what a model answers.
_PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "pandas": "pandas",
    "sklearn": "scikit-learn",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "mlflow": "mlflow",
    "joblib": "joblib",
    "cloudpickle": "cloudpickle",
    "skops": "skops",
    "torch": "torch",
    "tensorflow": "tensorflow",
    "statsmodels": "statsmodels",
}


def packages_in_use() -> dict[str, str]:
    """Versions of the libraries that loading the model imported."""
    versions = {}
    for module, package in _PACKAGES.items():
        version = getattr(sys.modules.get(module), "__version__", None)
        if isinstance(version, str):
            versions[package] = version
    return versions


def feature_names_of(estimator: Any) -> list[str] | None:
    """Names of the columns that it was fitted with; None where those had none."""
    try:
        names = getattr(estimator, "feature_names_in_", None)
    except Exception:  # a property of an unfitted step raises what its library likes
        names = None
    if names is None:
        return None
    listed = [str(name) for name in names]
    # LightGBM names the columns of an array itself.
    return None if listed == [f"Column_{place}" for place in range(len(listed))] else listed


def width_of(estimator: Any) -> int | None:
    try:
        width = getattr(estimator, "n_features_in_", None)
    except Exception:  # see feature_names_of
        return None
    return int(width) if isinstance(width, (int, np.integer)) else None


def columns_of(estimator: Any, names: Sequence[str] | None, width: int) -> list[InputColumn]:
    """The columns with what the steps of a pipeline know of each; what is dropped before any step sees it is left out."""
    notes = [ColumnNote() for _ in range(width)]
    _Walk(names, notes).through([estimator], list(range(width)))
    for place, categories in enumerate(category_dtypes(estimator, width)):
        if categories is not None:
            notes[place].take_dtype(categories)
    given = names or [f"f{place}" for place in range(width)]
    return [note.column(name) for name, note in zip(given, notes) if note.is_used or names is None]


class ColumnNote:
    """What is known of one column so far."""

    def __init__(self) -> None:
        self.type: str | None = None
        self.categories: list | None = None
        self.dtype_categories: tuple | None = None
        self.nullable: bool | None = None
        self.is_used = False

    def take_categories(self, known: np.ndarray, unknown_fails: bool, imputed: bool = False) -> None:
        values = known.tolist()
        present = [value for value in values if not _is_missing(value)]
        self.type = type_of_values(present)
        self.take_missing(imputed or len(present) < len(values) or not unknown_fails)
        if self.type == "string" and unknown_fails:
            self.categories = present

    def take_dtype(self, categories: Sequence[Any]) -> None:
        self.type = type_of_values(list(categories))
        self.dtype_categories = tuple(categories)
        self.nullable = True

    def take_missing(self, accepted: bool) -> None:
        self.nullable = accepted if self.nullable is None else self.nullable and accepted

    def column(self, name: str) -> InputColumn:
        return InputColumn(
            name,
            self.type or "float64",
            nullable=bool(self.nullable),
            categories=None if self.categories is None else tuple(self.categories),
            dtype_categories=self.dtype_categories,
        )


class _Walk:
    """Follows columns through the steps of a pipeline until a step mixes them."""

    def __init__(self, names: Sequence[str] | None, notes: Sequence[ColumnNote]) -> None:
        self._names = names
        self._notes = notes

    def through(self, chain: Sequence[Any], places: Sequence[int], imputed: bool = False) -> None:
        """Follows the columns at `places`; `imputed` where a step before has filled what was missing."""
        chain = [step for step in chain if step is not None and not (isinstance(step, str) and step == "passthrough")]
        step, rest = (chain[0], chain[1:]) if chain else (None, [])
        kind = type(step).__name__
        if kind == "ColumnTransformer":
            for part, columns in _parts_of_columns(step):
                self.through([part, *rest], self._resolve(columns, places), imputed)
        elif kind in _CONTAINERS:
            for inner in _parts_of(step):
                self.through([*inner, *rest], places, imputed)
        elif kind in _ONE_TO_ONE and (imputed or takes_missing(step)):
            self.through(rest, places, imputed)
        elif "Imputer" in kind and getattr(step, "n_features_in_", None) == _width_after(step):
            self._note_filled(step, places)
            self.through(rest, places, imputed=True)
        else:
            self._note(step, places, imputed or "Imputer" in kind)

    def _note(self, step: Any, places: Sequence[int], imputed: bool) -> None:
        """What the step at which the columns end tells of them."""
        known = getattr(step, "categories_", None)
        fails = getattr(step, "handle_unknown", "ignore") == "error"
        accepts = imputed or (type(step).__name__ not in _ONE_TO_ONE and takes_missing(step))
        for i, place in enumerate(places):
            note = self._notes[place]
            note.is_used = True
            if known is not None and i < len(known):
                note.take_categories(np.asarray(known[i]), fails, imputed)
                continue
            note.take_missing(accepts)
            if _reads_text(step):
                note.type = "string"

    def _note_filled(self, step: Any, places: Sequence[int]) -> None:
        for place, filled in zip(places, getattr(step, "statistics_", [])):
            if isinstance(filled, str):
                self._notes[place].type = "string"

    def _resolve(self, columns: Any, places: Sequence[int]) -> list[int]:
        if isinstance(columns, (str, int, np.integer)):
            columns = [columns]
        if isinstance(columns, slice):
            start, stop = (self._place(edge) for edge in (columns.start, columns.stop))
            # A slice of names includes its end, as in pandas.
            stop = stop + 1 if isinstance(columns.stop, str) and stop is not None else stop
            return list(places[slice(start, stop, columns.step)])
        listed = list(columns)
        if listed and all(isinstance(column, (bool, np.bool_)) for column in listed):
            return [place for place, used in zip(places, listed) if used]
        found = [self._place(column) for column in listed]
        return [places[place] for place in found if place is not None and -len(places) <= place < len(places)]

    def _place(self, column: Any) -> int | None:
        if isinstance(column, str):
            return self._names.index(column) if self._names is not None and column in self._names else None
        return None if column is None else int(column)


_CONTAINERS = {
    "Pipeline",
    "FeatureUnion",
    "GridSearchCV",
    "RandomizedSearchCV",
    "TransformedTargetRegressor",
}
#: Steps whose n-th column depends on the n-th column alone.
_ONE_TO_ONE = {
    "StandardScaler",
    "MinMaxScaler",
    "RobustScaler",
    "MaxAbsScaler",
    "PowerTransformer",
    "QuantileTransformer",
}


def _parts_of(step: Any) -> list[list[Any]]:
    kind = type(step).__name__
    if kind == "Pipeline":
        return [[part for _, part in step.steps]]
    if kind == "FeatureUnion":
        return [[part] for _, part in step.transformer_list if not isinstance(part, str) or part != "drop"]
    inner = getattr(step, "best_estimator_", None) or getattr(step, "regressor_", None)
    return [] if inner is None else [[inner]]


def _parts_of_columns(step: Any) -> list[tuple[Any, Any]]:
    return [
        (part, columns)
        for _, part, columns in getattr(step, "transformers_", [])
        if not (isinstance(part, str) and part == "drop")
    ]


def _width_after(step: Any) -> int | None:
    try:
        return len(step.get_feature_names_out())
    except Exception:  # imputers of other libraries have no such names
        return None


def _reads_text(step: Any) -> bool:
    return hasattr(step, "build_analyzer")


def reads_text(estimator: Any) -> bool:
    while type(estimator).__name__ in ("Pipeline", "GridSearchCV", "RandomizedSearchCV"):
        parts = _parts_of(estimator)
        if not parts or not parts[0]:
            return False
        estimator = parts[0][0]
    if type(estimator).__name__ == "FeatureUnion":
        return all(reads_text(part) for [part] in _parts_of(estimator))
    return _reads_text(estimator)


def takes_missing(step: Any) -> bool:
    """Whether the step takes NaN, as far as it says so."""
    if type(step).__module__.partition(".")[0] in ("xgboost", "lightgbm", "catboost"):
        return True
    try:
        from sklearn.utils import get_tags

        return bool(get_tags(step).input_tags.allow_nan)
    except Exception:  # before scikit-learn 1.6, or of another library
        try:
            return bool(step._get_tags().get("allow_nan", False))
        except Exception:  # no tags at all
            return False


def category_dtypes(estimator: Any, width: int) -> list[Sequence[Any] | None]:
    """For each column the categories of the pandas dtype `category` that it was fitted with, where it was."""
    nothing: list[Sequence[Any] | None] = [None] * width
    module = type(estimator).__module__.partition(".")[0]
    if module == "lightgbm" and hasattr(estimator, "booster_"):
        return lightgbm_categories(estimator.booster_)
    if module == "xgboost" and hasattr(estimator, "get_booster"):
        try:
            return xgboost_categories(estimator.get_booster()) or nothing
        except Exception:  # an unfitted model says so when it predicts
            return nothing
    masks = getattr(estimator, "is_categorical_", None)
    encoder = getattr(getattr(estimator, "_preprocessor", None), "named_transformers_", {}).get("encoder")
    if masks is not None and encoder is not None:
        known = iter(encoder.categories_)
        return [[v for v in next(known).tolist() if not _is_missing(v)] if is_one else None for is_one in masks]
    return nothing


def lightgbm_categories(booster: Any) -> list[Sequence[Any] | None]:
    """LightGBM keeps the categories of its columns of dtype `category`, in order, and which columns hold categories."""
    known = list(booster.pandas_categorical or [])
    infos = booster.dump_model(num_iteration=1).get("feature_infos", {})
    names = booster.feature_name()
    places = [place for place, name in enumerate(names) if infos.get(name, {}).get("values")]
    found: list[Sequence[Any] | None] = [None] * len(names)
    if len(places) == len(known):
        for place, categories in zip(places, known):
            found[place] = categories
    return found


def xgboost_categories(booster: Any) -> list[Sequence[Any] | None] | None:
    """
    The categories of columns of dtype `category`, which XGBoost keeps with a model from 3.1 on; None where there is no
    such column. Read off the model's own JSON: the library's function for it needs pyarrow.
    """
    types = booster.feature_types
    if not types or "c" not in types:
        return None
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    encoded = trees.get("gbtree", trees)["model"].get("cats", {}).get("enc") or [{}] * len(types)
    return [_xgboost_values(known) if kind == "c" else None for known, kind in zip(encoded, types)]


def _xgboost_values(known: Mapping[str, Any]) -> Sequence[Any] | None:
    """Numbers as they are; texts lie end to end in UTF-8, with where each begins."""
    offsets = known.get("offsets")
    if offsets is None:
        return known.get("values") or None
    text = bytes(value & 0xFF for value in known["values"])
    return [text[start:end].decode("utf-8") for start, end in zip(offsets, offsets[1:])] or None


def type_of_values(values: Sequence[Any]) -> str:
    """The type of a column that holds these values."""
    if values and all(isinstance(value, (bool, np.bool_)) for value in values):
        return "bool"
    if values and all(isinstance(value, (int, np.integer)) for value in values):
        return "int64"
    if values and all(isinstance(value, (int, float, np.number)) for value in values):
        return "float64"
    return "string"


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)
