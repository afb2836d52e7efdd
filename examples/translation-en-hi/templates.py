"""Every sentence that the corpus could have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from patterns.actions import doing, joining, moving, requests, wanting
from patterns.people import being, family, feeling, greetings, introductions
from patterns.things import belongings, counting, owning, shopping
from patterns.world import places, times, travel, weather
from phrases import FIXED

PATTERNS = (
    greetings,
    introductions,
    family,
    belongings,
    being,
    feeling,
    owning,
    wanting,
    doing,
    moving,
    places,
    counting,
    shopping,
    times,
    weather,
    travel,
    requests,
    joining,
)


@dataclass(frozen=True)
class Pair:
    """`key` names one combination of pattern and words, however it is spelt."""

    key: str
    english: str
    hindi: str
    mark: str = "."
    fixed: bool = False


def every_pair() -> Iterator[Pair]:
    for english, hindi, mark in FIXED:
        yield Pair(f"fixed|{english}", english, hindi, mark, fixed=True)
    for pattern in PATTERNS:
        for words, english, hindi, mark in pattern():
            yield Pair(f"{pattern.__name__}|{words}", english, hindi, mark)
