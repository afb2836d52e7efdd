"""Sentence patterns, English beside Hindi. `you` is always the polite आप; `I`, `we` and `they` take masculine verbs."""

from collections.abc import Iterator

Sentences = Iterator[tuple[str, str, str, str]]
"""The words that were chosen, which name the combination; English, Hindi, and the mark that ends them."""
