"""What a file beside a model is for, by its name: the names that notebooks give."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TARGET = r"(?:target|y|output|class|answer)"
_TARGET_ENCODER = re.compile(
    rf"^(?:{_TARGET}_(?:label_)?(?:encoder|le|mapping|scaler)|(?:label_)?(?:encoder|le|scaler)_{_TARGET})$"
)
_KINDS = r"(?:label|ordinal|one_?hot|feature|cat|categorical|category|categories|encoding)"
_ENCODERS = re.compile(rf"^(?:{_KINDS}_?)*(?:encoders?|encodings?|mappings?|ohe|le)(?:_(?:dict|map))?$")
_FIELD_ENCODER = re.compile(
    rf"^(?:(?P<before>.+?)_(?:{_KINDS}_)?(?:encoder|le|ohe|mapping)|(?:{_KINDS}_)?(?:encoder|le|ohe)_(?P<after>.+))$"
)
_NAMES = re.compile(
    r"^(?:(?:model|training|train|input|selected|final)_)?"
    r"(?:features?|columns|cols|(?:features?|column|col)_(?:names?|columns|cols|list|order))$"
)
_PREPROCESSOR = re.compile(r"preproc|column_?transformer|feature_pipeline")


@dataclass(frozen=True)
class Role:
    """`scaler`, `encoders`, `field_encoder`, `target_encoder`, `target_scaler`, `feature_names`, `preprocessor`, …"""

    name: str
    #: The field that an encoder of its own is for.
    field: str | None = None


def role_of(stem: str) -> Role | None:
    """The role of what is called `stem`, without ending; None for what the name does not tell."""
    name = re.sub(r"[\s.-]+", "_", stem.lower()).strip("_")
    if _TARGET_ENCODER.match(name):
        return Role("target_scaler" if "scaler" in name else "target_encoder")
    if "scaler" in name:
        return Role("scaler")
    if _NAMES.match(name):
        return Role("feature_names")
    if "vectorizer" in name or "vectoriser" in name or name == "tfidf":
        return Role("vectorizer")
    if _PREPROCESSOR.search(name):
        return Role("preprocessor")
    if _ENCODERS.match(name):
        return Role("encoders")
    match = _FIELD_ENCODER.match(name)
    if match is None:
        return None
    return Role("field_encoder", _as_written(stem, match["before"] or match["after"]))


def _as_written(stem: str, lower: str) -> str:
    start = re.sub(r"[\s.-]", "_", stem.lower()).find(lower)
    return stem[start : start + len(lower)] if start >= 0 else lower
