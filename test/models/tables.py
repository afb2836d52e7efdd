"""Synthetic tables, and the conversions between JSON rows and library inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from case import Json, Row

Columns = dict[str, str]
CITIES = ["Oslo", "Łódź", "São Paulo"]
PLANS = ["basic", "plus"]
CUSTOMER: Columns = {"age": "float32", "income": "float32", "city": "str", "plan": "str"}
HOUSE: Columns = {"area": "float32", "rooms": "int64", "district": "str"}


def matrix(rows: Any) -> np.ndarray:
    """Return rows of numbers as float32, with null as NaN."""
    return np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=np.float32)


def frame(rows: list[dict[str, Json]], columns: Columns) -> pd.DataFrame:
    """Return rows of named fields as a table in the model's column types, with null as NaN."""
    table = pd.DataFrame(rows, columns=list(columns))
    return table.astype({name: t if t != "str" else object for name, t in columns.items()})


def rounded(values: Any, digits: int = 2) -> list[list[float]]:
    """Return a matrix as lists of short decimals."""
    return np.asarray(values, dtype=np.float64).round(digits).tolist()


def sample(rows: list[Any], count: int) -> list[Any]:
    """Return `count` rows spread evenly over `rows`."""
    return [rows[i] for i in np.linspace(0, len(rows) - 1, count).astype(int)]


def customers(count: int, seed: int) -> list[dict[str, Json]]:
    """Return customers; about one income in ten is missing."""
    rng = np.random.default_rng(seed)
    return [
        {
            "age": round(rng.uniform(18, 90), 1),
            "income": None if rng.random() < 0.1 else round(rng.lognormal(10, 0.5), 2),
            "city": str(rng.choice(CITIES)),
            "plan": str(rng.choice(PLANS)),
        }
        for _ in range(count)
    ]


def spending(rows: list[dict[str, Json]]) -> np.ndarray:
    """Return a score per customer that depends on every column."""
    return np.array(
        [
            row["age"] / 30
            + (row["income"] or 20000) / 20000
            + CITIES.index(row["city"])
            - (row["plan"] == "basic")
            for row in rows
        ]
    )


def customer_edges() -> list[dict[str, Json]]:
    """Return unusual customers: unknown and empty categories, missing and huge numbers."""
    usual = {"age": 40.0, "income": 25000.0, "city": "Oslo", "plan": "plus"}
    return [
        usual | {"city": "Atlantis"},
        usual | {"city": "", "plan": ""},
        usual | {"city": "oslo"},
        usual | {"plan": "日本語 🚢"},
        usual | {"age": None},
        usual | {"age": None, "income": None},
        usual | {"income": 1e12},
        usual | {"age": -1000.0, "income": 0.0},
        usual | {"age": 40, "income": -25000},
    ]


def houses(count: int, seed: int) -> list[dict[str, Json]]:
    """Return houses with a whole number of rooms."""
    rng = np.random.default_rng(seed)
    return [
        {
            "area": round(rng.uniform(20, 250), 1),
            "rooms": int(rng.integers(1, 9)),
            "district": str(rng.choice(["north", "south", "centre"])),
        }
        for _ in range(count)
    ]


def house_edges() -> list[Row]:
    """Return unusual houses: an unknown district, extreme sizes and room counts."""
    usual = {"area": 80.0, "rooms": 3, "district": "north"}
    return [
        usual | {"district": "moon"},
        usual | {"district": ""},
        usual | {"rooms": 0},
        usual | {"rooms": -5},
        usual | {"rooms": 2147483648},
        usual | {"area": 1e9},
        usual | {"area": 0},
    ]


def price(rows: list[dict[str, Json]]) -> np.ndarray:
    """Return a price in thousands per house."""
    return np.array(
        [row["area"] * (3 if row["district"] == "centre" else 2) + 15 * row["rooms"] for row in rows]
    )
