"""From an order to the row that the model takes, and from its answer to a date."""

from __future__ import annotations

from datetime import date, timedelta
from math import floor

import pandas as pd

NUMBERS = ("day_of_year", "day_of_week", "hour_of_day", "weight_kg", "item_count")
CATEGORIES = ("service_level", "carrier", "address_type")
ZIP_CODE = "zip_code"
FIELDS = ("day_of_year", "day_of_week", "hour_of_day", ZIP_CODE, *CATEGORIES, "weight_kg", "item_count")
TARGET = "delivery_days"


def features(orders: pd.DataFrame) -> pd.DataFrame:
    """FIELDS of each order, and TARGET: calendar days from the day of the order to the day of the delivery."""
    ordered = pd.to_datetime(orders["ordered_at"])
    made = pd.DataFrame(
        {
            "day_of_year": ordered.dt.dayofyear.astype("int64"),
            "day_of_week": ordered.dt.dayofweek.astype("int64"),
            "hour_of_day": ordered.dt.hour.astype("int64"),
            TARGET: (pd.to_datetime(orders["delivered_on"]) - ordered.dt.normalize()).dt.days,
        }
    )
    given = [field for field in FIELDS if field not in made]
    return made.join(orders[given])[[*FIELDS, TARGET]]


def delivery_date(ordered_on: date, delivery_days: float) -> date:
    """The day that an answer of the model means: half a day and more counts as one more."""
    return ordered_on + timedelta(days=floor(delivery_days + 0.5))
