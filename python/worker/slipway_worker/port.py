"""What the two halves of the worker hand each other: columns in, answers out, and the ways in which a model fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Columns:
    """Rows, by column. A missing value is NaN in an array of numbers and None in a list."""

    names: Sequence[str]
    rows: int
    arrays: Mapping[str, np.ndarray | list]


@dataclass(frozen=True)
class Output:
    """One prediction a row: JSON values, or an array of float64 (NaN stands for null there)."""

    predictions: list | np.ndarray
    #: float64, rows × labels; None where the model gives none.
    probabilities: np.ndarray | None = None


class Model:
    """A model in memory: what it says of itself, and its answers."""

    def __init__(
        self,
        facts: dict[str, Any],
        prepare: Callable[[Columns], Any],
        answer: Callable[[Any, int, Mapping[str, Any] | None], Output],
        predictor: Any = None,
    ) -> None:
        self.facts = facts
        self._prepare = prepare
        self._answer = answer
        #: What answers tables, for conversion; None where that is a function of the author.
        self.predictor = predictor

    @property
    def maker(self) -> Any:
        """What makes the predictor's table of columns, for conversion: the owner of a method, or a function."""
        return getattr(self._prepare, "__self__", self._prepare)

    def predict(self, columns: Columns, params: Mapping[str, Any] | None = None) -> Output:
        """One answer for each row. OutputError where the model answers otherwise; what the model raises, it raises."""
        return self._answer(self._prepare(columns), columns.rows, params)

    def behind(self, prepare: Callable[[Columns], Any], facts: Mapping[str, Any]) -> Model:
        """The same model, whose table `prepare` makes instead."""
        return Model({**self.facts, **facts}, prepare, self._answer, self.predictor)


class ModelUnreadable(Exception):
    """The files are not a model that the worker knows how to serve; the message names them and says what to do."""


class MissingPackages(Exception):
    """Packages that the model needs and this interpreter does not have."""

    def __init__(self, packages: list[dict[str, str | None]]) -> None:
        self.packages = packages
        super().__init__(", ".join(describe_package(package) for package in packages))


class OutputError(Exception):
    """The model ran, and its answer is not one answer a row. `kind` is `wrong_length` or `output`."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def missing(package: str, wanted: str | None = None) -> MissingPackages:
    """The refusal of a model for one package that is not there."""
    return MissingPackages([{"package": package, "wanted": wanted, "found": None}])


def describe_package(package: Mapping[str, Any]) -> str:
    wanted = package["wanted"]
    name = package["package"] + (f" {wanted}" if wanted else "")
    found = package["found"]
    return f"{name} is not installed" if found is None else f"{name} is wanted, {found} is installed"
