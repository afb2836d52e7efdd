"""From raw fields to the table of a model: encode, order by the names of the features, scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slipway_worker.facts import feature_names_of, takes_missing, width_of
from slipway_worker.loaders.bundle import Bundle, names_of
from slipway_worker.loaders.encoders import FieldEncoder, field_encoder, field_encoders, require_fields
from slipway_worker.loaders.predictor import Inputs
from slipway_worker.port import Columns, ModelUnreadable
from slipway_worker.tables import InputColumn, frame_of, require_pandas


class FeatureSteps:
    """The steps that a bundle says to take before the model."""

    def __init__(self, bundle: Bundle, model: Inputs) -> None:
        self._model = model
        self._scaler = _Scaler.of(bundle)
        self.features = _features_of(bundle, model, self._scaler)
        self._encoders = _encoders_of(bundle, self.features)
        if self.features is None:
            self._features: Sequence[str] = [f"f{place}" for place in range(model.width or 0)]
        else:
            self._features = self.features
        self._scaled = [] if self._scaler is None else self._scaler.places(self._features)
        self._plain, columns = self._raw_columns()
        self.inputs = Inputs(columns, len(columns), named=self.features is not None)
        self._index = require_pandas().Index(list(self._features)) if model.takes_frame else None

    def prepare(self, columns: Columns) -> Any:
        raw = {column.name: column.read(columns) for column in self.inputs.columns or ()}
        made = {name: raw[name] for name in self._plain}
        for encoder in self._encoders:
            arrays = encoder.encode([raw[column.name] for column in encoder.columns])
            made.update(zip(encoder.outputs, arrays))
        arrays = [made[name] for name in self._features]
        if self._scaler is not None:
            scaled = self._scaler.scale([arrays[place] for place in self._scaled], columns.rows)
            for place, array in zip(self._scaled, scaled.T):
                arrays[place] = array
        if self._index is not None:
            return frame_of(self._index, arrays, columns.rows)
        kind = np.dtype(np.float64 if all(array.dtype.kind in "fiub" for array in arrays) else object)
        table = np.empty((columns.rows, len(arrays)), kind)
        for place, array in enumerate(arrays):
            table[:, place] = array
        return table

    def _raw_columns(self) -> tuple[list[str], tuple[InputColumn, ...]]:
        """The features that are sent as they are, and all raw columns, an encoder's in the place of its first feature."""
        encoder_of = {output: encoder for encoder in self._encoders for output in encoder.outputs}
        known = self._model.columns or ()
        plain: list[str] = []
        columns: list[InputColumn] = []
        for place, feature in enumerate(self._features):
            encoder = encoder_of.get(feature)
            if encoder is not None:
                columns.extend(column for column in encoder.columns if column not in columns)
                continue
            plain.append(feature)
            of_model = known[place] if place < len(known) else InputColumn(feature)
            passes = self._scaler is None or place not in self._scaled or self._scaler.takes_missing
            columns.append(
                InputColumn(
                    feature,
                    of_model.type,
                    nullable=of_model.nullable and passes,
                    categories=of_model.categories,
                    dtype_categories=of_model.dtype_categories,
                )
            )
        return plain, tuple(columns)


class _Scaler:
    def __init__(self, source: str, scaler: Any) -> None:
        self.source = source
        self._scaler = scaler
        self.names = feature_names_of(scaler)
        self.width = width_of(scaler)
        self.takes_missing = takes_missing(scaler)
        self._index = None if self.names is None else require_pandas().Index(self.names)

    @classmethod
    def of(cls, bundle: Bundle) -> _Scaler | None:
        part = bundle.get("scaler")
        if part is None:
            return None
        source, scaler = part
        if not hasattr(scaler, "transform") or width_of(scaler) is None:
            raise ModelUnreadable(f"{source} is a {type(scaler).__name__}, and no fitted scaler")
        return cls(source, scaler)

    def places(self, features: Sequence[str]) -> list[int]:
        if self.names is None:
            if self.width == len(features):
                return list(range(len(features)))
            raise ModelUnreadable(
                f"{self.source} scales {self.width} columns without naming them, and the model takes {len(features)}: fit "
                "the scaler with a DataFrame, so that it keeps the names of its columns"
            )
        absent = [name for name in self.names if name not in features]
        if absent:
            raise ModelUnreadable(
                f"{self.source} scales {', '.join(absent[:8])}, which the model has not: keep the scaler that this model "
                "was trained with"
            )
        return [features.index(name) for name in self.names]

    def scale(self, arrays: Sequence[np.ndarray], rows: int) -> np.ndarray:
        table = np.empty((rows, len(arrays)), np.float64)
        for place, array in enumerate(arrays):
            table[:, place] = array
        framed = table if self._index is None else require_pandas().DataFrame(table, columns=self._index, copy=False)
        return np.asarray(self._scaler.transform(framed))


def _features_of(bundle: Bundle, model: Inputs, scaler: _Scaler | None) -> list[str] | None:
    """The names of the columns that the model takes, in its order; None where nobody names them."""
    part = bundle.get("feature_names")
    listed = None if part is None else (part[0], names_of(*part))
    if model.named:
        names = [column.name for column in model.columns or ()]
        if listed is not None and set(listed[1]) != set(names) and not _has_encoders(bundle):
            raise ModelUnreadable(
                f"{listed[0]} names other features than the model was trained with: the model has {_listed(names)}"
            )
        return names
    told = [] if listed is None else [listed]
    if scaler is not None and scaler.names is not None and (scaler.width == model.width or model.width is None):
        told.append((scaler.source, scaler.names))
    if not told:
        return None
    (source, names), *others = told
    for other, other_names in others:
        if other_names != names:
            raise ModelUnreadable(
                f"{source} and {other} name the features differently, or in another order: keep the one that the model "
                "was trained with"
            )
    if model.width is not None and len(names) != model.width:
        raise ModelUnreadable(
            f"{source} names {len(names)} features and the model takes {model.width}: list the columns that the model "
            "was trained with, after encoding, in order"
        )
    return names


def _has_encoders(bundle: Bundle) -> bool:
    return bundle.get("encoders") is not None or bool(bundle.field_encoders)


def _encoders_of(bundle: Bundle, features: Sequence[str] | None) -> list[FieldEncoder]:
    if not _has_encoders(bundle):
        return []
    part = bundle.get("encoders")
    if part is not None:
        require_fields(*part)
    if features is None:
        source = part[0] if part is not None else bundle.field_encoders[0][0]
        raise ModelUnreadable(
            f"Nothing beside {source} says which columns the model takes, and in which order: save their names as "
            "feature_names.json"
        )
    encoders: list[FieldEncoder] = []
    if part is not None:
        encoders.extend(field_encoders(*part, features))
    encoders.extend(
        field_encoder(source, _field_of(field, features), each, features)
        for source, field, each in bundle.field_encoders
    )
    # What was encoded and then left out of the features is no step of this model.
    used = [encoder for encoder in encoders if set(encoder.outputs) & set(features)]
    made: dict[str, str] = {}
    for encoder in used:
        for output in encoder.outputs:
            if output in made:
                raise ModelUnreadable(f'{made[output]} and {encoder.source} both encode "{output}": keep one of them')
            made[output] = encoder.source
    return used


def _field_of(field: str, features: Sequence[str]) -> str:
    """A field whose name was read off a file's name, in the letters of the feature."""
    same = [name for name in features if name.lower().replace(" ", "_") == field.lower()]
    return same[0] if len(same) == 1 else field


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
