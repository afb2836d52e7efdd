"""A model with the parts that belong to it, from a dict in its file or from the files beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway_worker.loaders.pickled import read_pickle
from slipway_worker.loaders.roles import Role, role_of
from slipway_worker.port import ModelUnreadable

_MODEL_KEY = re.compile(
    r"^(?:(?:best|final|trained|fitted|ml|xgb|lgbm?|rf)_)?(?:model|classifier|regressor|estimator|clf|reg|pipeline|booster)$"
)
_PICKLES = (".pkl", ".pickle", ".joblib")
_SKIPPED = re.compile(r"(^|/)(\.|__pycache__/|slipway/|code/)")


class Bundle:
    """The parts by their role; each once, but for the encoders of single fields."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[str, Any]] = {}
        #: Source, field and encoder.
        self.field_encoders: list[tuple[str, str, Any]] = []

    def get(self, role: str) -> tuple[str, Any] | None:
        """Source and object."""
        return self._parts.get(role)

    def add(self, role: Role, source: str, part: Any) -> None:
        if role.name == "field_encoder":
            self.field_encoders.append((source, role.field or "", part))
            return
        other = self._parts.get(role.name)
        if other is not None:
            raise ModelUnreadable(
                f"{other[0]} and {source} are both the {role.name.replace('_', ' ')} by their names: keep the one that "
                "the model was trained with"
            )
        self._parts[role.name] = (source, part)

    def add_object(self, stem: str, source: str, part: Any) -> None:
        """Adds what is called `stem`, by its name and by what it is; passes over data, refuses what has no place."""
        role = _corrected(role_of(stem), part)
        if role is not None:
            self.add(role, source, part)
        elif isinstance(part, Mapping) and any(role_of(str(key)) for key in part) and _holds_objects(part):
            for key, member in part.items():
                self.add_object(str(key), f'{source}["{key}"]', member)
        elif isinstance(part, Mapping) and any(_is_step(member) for member in part.values()):
            raise ModelUnreadable(
                f"{source} is a dict of {', '.join(sorted({type(each).__name__ for each in part.values()}))}: only "
                "encoders are kept field by field; save one scaler, fitted with all its columns"
            )
        elif _is_step(part):
            raise ModelUnreadable(
                f"{source} is a {type(part).__name__}, and its name does not say when it is applied: save a Pipeline "
                "that holds it and the model, or call it scaler, encoders, preprocessor or vectorizer"
            )


def _corrected(role: Role | None, part: Any) -> Role | None:
    """What a part is decides over what it is called, where the two cannot both be true."""
    kind = type(part).__name__
    if kind == "ColumnTransformer" or (kind == "Pipeline" and not hasattr(part, "predict")):
        return Role("preprocessor")
    if kind.endswith("Scaler") and (role is None or role.name not in ("scaler", "target_scaler")):
        return Role("scaler")
    if role is None and isinstance(part, Mapping) and part and all(_is_encoder(each) for each in part.values()):
        return Role("encoders")
    if role is not None and role.name in ("preprocessor", "scaler") and isinstance(part, Mapping):
        return None
    if role is not None and role.name == "encoders" and (kind == "LabelEncoder" or _is_flat(part)):
        return Role("lone_label_encoder")
    return role


def _is_encoder(part: Any) -> bool:
    return type(part).__name__ in ("LabelEncoder", "OrdinalEncoder", "OneHotEncoder")


def _is_flat(part: Any) -> bool:
    """Whether it maps values and no fields: of one thing, then."""
    return (
        isinstance(part, Mapping)
        and bool(part)
        and all(isinstance(each, (str, int)) or hasattr(each, "item") for each in part.values())
    )


def _is_step(part: Any) -> bool:
    """A table has a `transform` too, and no `fit`."""
    return hasattr(part, "transform") and hasattr(part, "fit") and not hasattr(part, "predict")


def _holds_objects(part: Mapping[Any, Any]) -> bool:
    return any(_is_step(member) or isinstance(member, Mapping) for member in part.values())


def open_bundle(source: str, content: Mapping[Any, Any], bundle: Bundle) -> Any:
    """The model in a dict such as {"model": …, "scaler": …}; its other parts go into the bundle."""
    keys = [str(key) for key in content]
    models = [key for key in content if _MODEL_KEY.match(str(key).lower()) and _predicts(content[key])]
    if not models:
        models = [key for key in content if _predicts(content[key]) and role_of(str(key)) is None]
    if len(models) != 1:
        raise ModelUnreadable(
            f"{source} holds a dict of {', '.join(keys[:12])}, of which "
            + (f"{', '.join(map(str, models))} could each be the model" if models else "none is a model")
            + ': save {"model": …, "scaler": …, "encoders": …, "feature_names": …}'
        )
    for key, member in content.items():
        if key == models[0]:
            continue
        _refuse_threshold(source, str(key), member)
        bundle.add_object(str(key), f'{source}["{key}"]', member)
    return content[models[0]]


def _predicts(part: Any) -> bool:
    return hasattr(part, "predict") and not isinstance(part, type)


def _refuse_threshold(source: str, key: str, member: Any) -> None:
    if "threshold" not in key.lower() or isinstance(member, bool):
        return
    try:
        value = float(member)
    except (TypeError, ValueError):
        return
    if value != 0.5:
        raise ModelUnreadable(
            f"{source} has a \"{key}\" of {value:g}, and the model's own predict does not know it: save scikit-learn's "
            "FixedThresholdClassifier around the model, or leave the threshold out"
        )


def add_neighbours(folder: Path, entry: Path, bundle: Bundle, only: Sequence[str] | None = None) -> None:
    """Adds the files beside the model that belong to it; with `only`, those with one of these roles by their names."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if not file.is_file() or file == entry or _SKIPPED.search(name):
            continue
        suffix, role = file.suffix.lower(), role_of(file.stem)
        if only is not None and (role is None or role.name not in only):
            continue
        if suffix in _PICKLES:
            bundle.add_object(file.stem, name, read_pickle(file))
        elif role is not None and suffix in (".json", ".txt"):
            part = _read_text(file, name, role)
            if part is not None:
                bundle.add_object(file.stem, name, part)


def _read_text(file: Path, name: str, role: Role) -> Any:
    if file.suffix.lower() == ".txt":
        return file.read_text("utf-8").split("\n") if role.name == "feature_names" else None
    if role.name not in ("feature_names", "encoders", "field_encoder", "target_encoder"):
        return None
    try:
        return json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ModelUnreadable(f"{name} is not valid JSON: {error}") from error


def names_of(source: str, content: Any) -> list[str]:
    """The names of features in whatever form a notebook keeps a list of texts."""
    if isinstance(content, Mapping):
        lists = [
            member for key, member in content.items() if (role := role_of(str(key))) and role.name == "feature_names"
        ]
        content = lists[0] if len(lists) == 1 else content
    if hasattr(content, "tolist"):
        content = content.tolist()
    if isinstance(content, (list, tuple)):
        names = [name.strip() if isinstance(name, str) else name for name in content]
        names = [name for name in names if name != ""]
        if names and all(isinstance(name, str) for name in names):
            _refuse_twice(source, names)
            return names
    raise ModelUnreadable(
        f'{source} is no list of names: save a list as in ["age", "city"], or call the file otherwise'
    )


def _refuse_twice(source: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ModelUnreadable(f"{source} names {', '.join(twice)} twice")
