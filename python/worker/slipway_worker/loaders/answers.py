"""What an encoder or scaler of the target makes of a model's answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slipway_worker.loaders.bundle import Bundle
from slipway_worker.loaders.encoders import codes_of
from slipway_worker.loaders.predictor import Predictor
from slipway_worker.port import ModelUnreadable, Output
from slipway_worker.values import predictions_of


class DecodedPredictor:
    """A classifier of numbers that answers the labels that these stand for."""

    def __init__(self, predictor: Predictor, labels: Sequence[Any]) -> None:
        self._predictor = predictor
        self.kind = predictor.kind
        self.executes_code = True
        self.inputs = predictor.inputs
        self.task = predictor.task
        self.labels: list | None = list(labels)
        self.has_probabilities = predictor.has_probabilities
        self._label_of = dict(zip(predictor.labels or [], labels))

    def __call__(self, table: Any, rows: int) -> Output:
        output = self._predictor(table, rows)
        return Output([self._label_of[label] for label in output.predictions], output.probabilities)


class RescaledPredictor:
    """A regressor of scaled numbers that answers them in their own unit."""

    labels: list | None = None
    has_probabilities = False

    def __init__(self, predictor: Predictor, scaler: Any) -> None:
        self._predictor = predictor
        self._scaler = scaler
        self.kind = predictor.kind
        self.executes_code = True
        self.inputs = predictor.inputs
        self.task = predictor.task

    def __call__(self, table: Any, rows: int) -> Output:
        scaled = np.asarray(self._predictor(table, rows).predictions, np.float64)
        return Output(predictions_of(self._scaler.inverse_transform(scaled.reshape(-1, 1))[:, 0], rows))


def with_target(predictor: Predictor, bundle: Bundle, features: Sequence[str] | None) -> Predictor:
    """The predictor with the bundle's encoder or scaler of the target undone."""
    scaler = bundle.get("target_scaler")
    if scaler is not None:
        if predictor.task != "regression":
            raise ModelUnreadable(f"{scaler[0]} scales the answer, and the model gives a {predictor.task}")
        predictor = RescaledPredictor(predictor, scaler[1])
    encoder = _target_encoder(predictor, bundle, features)
    if encoder is None:
        return predictor
    source, labels = encoder
    if predictor.labels == labels:
        return predictor
    if predictor.labels != list(range(len(labels))):
        raise ModelUnreadable(
            f"{source} knows {len(labels)} labels, and the model answers {_shown(predictor.labels)}: keep the encoder that "
            "this model was trained with"
        )
    return DecodedPredictor(predictor, labels)


def _shown(labels: Sequence[Any] | None) -> str:
    if labels is None:
        return "no labels"
    return ", ".join(map(str, labels[:8])) + (" …" if len(labels) > 8 else "")


def _target_encoder(
    predictor: Predictor, bundle: Bundle, features: Sequence[str] | None
) -> tuple[str, list[Any]] | None:
    """Source and labels of the encoder of the answer, if there is one."""
    named = bundle.get("target_encoder")
    if named is not None:
        return named[0], _labels_of(*named)
    lone = bundle.get("lone_label_encoder")
    if lone is not None:
        return _lone(predictor, *lone)
    return _left_over(predictor, bundle, features)


def _labels_of(source: str, encoder: Any) -> list[Any]:
    if isinstance(encoder, dict) and all(not isinstance(code, (int, float)) for code in encoder.values()):
        # A mapping of code to label, whose keys JSON made texts.
        return [label for _, label in sorted((int(code), label) for code, label in encoder.items())]
    codes = codes_of(source, encoder)
    if codes is None or sorted(codes.values()) != list(range(len(codes))):
        raise ModelUnreadable(f"{source} is no LabelEncoder, and no mapping of each label to 0, 1, 2, …")
    return sorted(codes, key=lambda label: codes[label])


def _lone(predictor: Predictor, source: str, encoder: Any) -> tuple[str, list[Any]] | None:
    """One LabelEncoder or mapping that does not say what it encodes: the answer, if it can be nothing else."""
    labels = _labels_of(source, encoder)
    if predictor.labels == labels:
        return None
    fits = predictor.labels == list(range(len(labels)))
    if fits and len(labels) > 2:
        return source, labels
    raise ModelUnreadable(
        f"{source} is one {type(encoder).__name__} and does not say what it encodes: call it target_encoder if that is the answer"
        + (f" ({', '.join(map(str, labels))})" if fits else "")
        + ', and save a dict of field to encoder, as in {"city": encoder}, if it is a field'
    )


def _left_over(predictor: Predictor, bundle: Bundle, features: Sequence[str] | None) -> tuple[str, list[Any]] | None:
    """An encoder that a dict keeps under a name that is no feature may be that of the answer, and must say so."""
    part = bundle.get("encoders")
    if part is None or not isinstance(part[1], dict) or features is None:
        return None
    source, encoders = part
    for field, encoder in encoders.items():
        is_label = type(encoder).__name__ == "LabelEncoder"
        if not is_label or any(feature.startswith(str(field)) for feature in features):
            continue
        labels = encoder.classes_.tolist()
        if str(field).lower() in ("target", "y", "label", "class", "output"):
            return f'{source}["{field}"]', labels
        if predictor.labels == list(range(len(labels))):
            raise ModelUnreadable(
                f'{source} has an encoder of "{field}", which is no feature of the model: save it as target_encoder if it '
                "is that of the answer, and leave it out if it is not"
            )
    return None
