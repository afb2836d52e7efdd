"""The parallel corpus: patterns filled with words, thinned, split by combination, spelt in more than one way.

`python corpus.py` prints how many sentences there are, and a few of them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from templates import Pair, every_pair

SPLITS = ("train", "validation", "held_out")
VALIDATION_SHARE, HELD_OUT_SHARE = 0.04, 0.10
BARE_SHARE, CONTRACTED_SHARE, EXCLAIMED_SHARE = 0.25, 0.3, 0.4
# The share of a pattern's combinations that is kept; a few patterns would otherwise be nine tenths of the corpus.
KEPT = {
    "doing": 0.08,
    "moving": 0.06,
    "wanting": 0.08,
    "being": 0.3,
    "belongings": 0.35,
    "feeling": 0.35,
    "owning": 0.35,
    "counting": 0.3,
    "times": 0.35,
    "travel": 0.4,
    "family": 0.5,
    "introductions": 0.6,
    "shopping": 0.7,
    "joining": 0.2,
}
CONTRACTIONS = [
    (r"\bdo not\b", "don't"),
    (r"\bdoes not\b", "doesn't"),
    (r"\bdid not\b", "didn't"),
    (r"\bwill not\b", "won't"),
    (r"\bcannot\b", "can't"),
    (r"\bis not\b", "isn't"),
    (r"\bare not\b", "aren't"),
    (r"^I am\b", "I'm"),
    (r"^(he|she|it) is\b", r"\1's"),
    (r"^(we|they|you) are\b", r"\1're"),
]


@dataclass(frozen=True)
class Sentence:
    text: str
    reference: str
    key: str


def chance(*parts: str) -> float:
    """A number from 0 to 1 that depends on the words alone, so that adding a pattern moves no other sentence."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def load(share: float = 1.0) -> dict[str, list[Sentence]]:
    """The sentences of each split; a combination and all its spellings are in one split, fixed phrases in training."""
    splits: dict[str, list[Sentence]] = {name: [] for name in SPLITS}
    seen: set[str] = set()
    for pair in every_pair():
        if chance("keep", pair.key) >= KEPT.get(pair.key.split("|")[0], 1.0) * (1.0 if pair.fixed else share):
            continue
        for text, reference in spellings(pair):
            text, reference = (unicodedata.normalize("NFC", side) for side in (text, reference))
            if text.lower() not in seen:
                seen.add(text.lower())
                splits[split_of(pair)].append(Sentence(text, reference, pair.key))
    return splits


def split_of(pair: Pair) -> str:
    where = chance("split", pair.key)
    if pair.fixed or where >= VALIDATION_SHARE + HELD_OUT_SHARE:
        return "train"
    return "held_out" if where < HELD_OUT_SHARE else "validation"


def spellings(pair: Pair) -> list[tuple[str, str]]:
    """Fixed phrases with each mark and bare; of the others one spelling, now and then contracted or bare."""
    if pair.fixed:
        marks = ("?", "") if pair.mark == "?" else (".", "!", "")
        return [spelt(pair.english, pair.hindi, mark) for mark in marks]
    english = contracted(pair.english) if chance("contract", pair.key) < CONTRACTED_SHARE else pair.english
    mark = "" if chance("bare", pair.key) < BARE_SHARE else pair.mark
    if mark == "." and pair.key.startswith("greetings|") and chance("exclaim", pair.key) < EXCLAIMED_SHARE:
        mark = "!"
    return [spelt(english, pair.hindi, mark)]


def spelt(english: str, hindi: str, mark: str) -> tuple[str, str]:
    """With a mark a sentence begins with a capital; Hindi ends statements with a danda."""
    if mark == "":
        return english, hindi
    return english[0].upper() + english[1:] + mark, hindi + ("।" if mark == "." else mark)


def contracted(english: str) -> str:
    for pattern, short in CONTRACTIONS:
        english, found = re.subn(pattern, short, english)
        if found:
            return english
    return english


def main() -> None:
    splits = load()
    for name, sentences in splits.items():
        patterns = Counter(sentence.key.split("|")[0] for sentence in sentences)
        print(f"{name}: {len(sentences):,} sentences; {', '.join(f'{n} {p}' for p, n in patterns.items())}")
    for sentence in splits["held_out"][::60]:
        print(f"  {sentence.text}  {sentence.reference}")


if __name__ == "__main__":
    main()
