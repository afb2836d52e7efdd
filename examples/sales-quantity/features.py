"""Raw fields to the trees' features for the graph that holds its own tables; it repeats exactly what is written here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

SECONDS_PER_HOUR = 3_600
SECONDS_PER_DAY = 86_400
DAYS_PER_WEEK = 7
EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0

NUMERIC_FIELDS = ("unit_price", "unit_discount")
# Class positions a table answers for: 1 is "medium or more", 2 is "high".
ENCODED_FIELDS: dict[str, tuple[int, ...]] = {
    "product_id": (1, 2),
    "household_id": (1, 2),
    "store_id": (1, 2),
    "product_type": (1, 2),
    "product_category": (1, 2),
    "department": (1, 2),
    "package_size": (1, 2),
    "brand": (1,),
    "display_location": (1,),
    "mailer_location": (1,),
    "age": (1,),
    "income": (1,),
    "household_size": (1,),
}
PRIOR_ROWS = 20  # weight of the overall share in each smoothed share
MIN_ROWS = 20  # rarer keys answer like unknown ones
FOLDS = 5


@dataclass(frozen=True)
class ShareTable:
    """Key of `field` -> smoothed share of training rows whose class position is >= `at_least`."""

    field: str
    at_least: int
    shares: dict[int | str, np.float32]
    default: np.float32

    @property
    def feature(self) -> str:
        return f"{self.field}_share_{self.at_least}"

    def apply(self, values: pd.Series) -> np.ndarray:
        codes, keys = pd.factorize(values)
        return np.array([self.shares.get(key, self.default) for key in keys], dtype="float32")[codes]


def fit_tables(frame: pd.DataFrame, codes: np.ndarray) -> list[ShareTable]:
    return [
        fit_table(frame[field], codes >= at_least, field, at_least)
        for field, positions in ENCODED_FIELDS.items()
        for at_least in positions
    ]


def fit_table(values: pd.Series, hits: np.ndarray, field: str, at_least: int) -> ShareTable:
    key_codes, keys = pd.factorize(values)
    rows = np.bincount(key_codes, minlength=len(keys))
    prior = hits.mean()
    shares = (np.bincount(key_codes, hits, len(keys)) + PRIOR_ROWS * prior) / (rows + PRIOR_ROWS)
    kept = np.flatnonzero(rows >= MIN_ROWS)
    table = {keys[i] if isinstance(keys[i], str) else int(keys[i]): np.float32(shares[i]) for i in kept}
    return ShareTable(field, at_least, table, np.float32(prior))


def to_features(frame: pd.DataFrame, tables: list[ShareTable]) -> pd.DataFrame:
    """Float32 [N, F]; the column order is the order the trees were trained in."""
    seconds = frame["timestamp"]
    columns = {
        "hour": seconds % SECONDS_PER_DAY // SECONDS_PER_HOUR,
        "day_of_week": (seconds // SECONDS_PER_DAY + EPOCH_WEEKDAY) % DAYS_PER_WEEK,
        **{name: frame[name] for name in NUMERIC_FIELDS},
        **{table.feature: table.apply(frame[table.field]) for table in tables},
    }
    return pd.DataFrame(columns, index=frame.index).astype("float32")


def training_features(frame: pd.DataFrame, codes: np.ndarray, seed: int) -> pd.DataFrame:
    """Like `to_features`, but no row is encoded by a table that saw its own basket.

    Encoding training rows with shares that contain their own answer would teach the trees to trust rare keys.
    """
    fold = folds_of_baskets(frame, seed)
    parts = []
    for number in range(FOLDS):
        inside = fold == number
        tables = fit_tables(frame[~inside], codes[~inside])
        parts.append(to_features(frame[inside], tables))
    return pd.concat(parts).sort_index()


def folds_of_baskets(frame: pd.DataFrame, seed: int) -> np.ndarray:
    """Number of a fold [N], the same for all lines of a basket."""
    basket_codes, baskets = pd.factorize(frame["basket_id"])
    return np.random.default_rng(seed).integers(0, FOLDS, len(baskets))[basket_codes]
