"""What every loader makes of a file: something that answers tables and says which tables it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from slipway_worker.facts import packages_in_use
from slipway_worker.port import Columns, Output
from slipway_worker.tables import InputColumn, Table


@dataclass(frozen=True)
class Inputs:
    """The table that a model takes."""

    #: None where it tells neither names nor how many there are.
    columns: tuple[InputColumn, ...] | None
    #: Numbers of a row; None where it does not tell.
    width: int | None
    #: Whether it was fitted with named columns, and takes a DataFrame.
    named: bool
    #: Whether it takes a list of texts, and no table.
    is_text: bool = False
    #: Whether it looks at names to check them and at nothing but numbers, so that an array in its order does as well.
    ignores_names: bool = False

    @cached_property
    def table(self) -> Table:
        return Table(self.columns or ())

    @cached_property
    def takes_frame(self) -> bool:
        """Making and reading a DataFrame takes longer than many a model: an array goes where it gives the same answer."""
        if not self.named:
            return False
        return not (self.ignores_names and all(column.is_number for column in self.columns or ()))

    @property
    def names(self) -> list[str] | None:
        """Names that the model or its author gave the columns; None for those of an array."""
        names = None if self.columns is None else [column.name for column in self.columns]
        return None if names is None or names == [f"f{place}" for place in range(len(names))] else names

    def prepare(self, columns: Columns) -> Any:
        """The columns as the model takes them; in the order that they came in where the model does not tell its own."""
        if self.is_text:
            return self.table.columns[0].read(columns)
        if self.columns is None:
            return Table([InputColumn(name, _type_seen(columns, name)) for name in columns.names]).frame(columns)
        return self.table.frame(columns) if self.takes_frame else self.table.matrix(columns)

    def facts(self) -> dict[str, Any]:
        """`inputs` where there is more to say than how many numbers a row has."""
        columns = self.columns
        if columns is None:
            return {"inputs": None, "width": self.width}
        told = self.named or self.is_text or any(column != InputColumn(column.name) for column in columns)
        return {"inputs": [column.fact() for column in columns] if told else None, "width": self.width}


def _type_seen(columns: Columns, name: str) -> str:
    dtype = getattr(columns.arrays.get(name), "dtype", None)
    return "string" if dtype is None or dtype.kind == "O" else dtype.name


class Predictor(Protocol):
    """A model without what is done to its inputs before."""

    #: `sklearn`, `xgboost`, `lightgbm`, …
    kind: str
    executes_code: bool
    inputs: Inputs
    #: `classification`, `regression` or `generic`.
    task: str
    labels: list | None
    has_probabilities: bool

    def __call__(self, table: Any, rows: int) -> Output: ...


class Described(Protocol):
    """Inputs of any kind, as the facts name them."""

    def facts(self) -> dict[str, Any]: ...


def facts_of(predictor: Predictor, inputs: Described) -> dict[str, Any]:
    """What the worker says of a model once it is loaded."""
    return {
        "kind": predictor.kind,
        "executes_code": predictor.executes_code,
        **inputs.facts(),
        "task": predictor.task,
        "labels": predictor.labels,
        "has_probabilities": predictor.has_probabilities,
        "packages": packages_in_use(),
    }
