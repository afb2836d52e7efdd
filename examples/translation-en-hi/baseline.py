"""A translation memory: what one has without a model."""

from __future__ import annotations

import re

from corpus import Sentence


def translation_memory(known: list[Sentence], text: str) -> str:
    """The reference of the known sentence that shares most words, by Jaccard; the first of equals."""
    asked = words(text)
    return max(known, key=lambda sentence: overlap(asked, words(sentence.text))).reference


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w']+|[.?!]", text.lower()))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
