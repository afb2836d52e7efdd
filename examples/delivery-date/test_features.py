"""An order becomes the row that a caller would send, and an answer becomes a date."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from delivery.features import FIELDS, TARGET, delivery_date, features

ORDER = {
    "ordered_at": "2024-12-31T23:59:59",
    "zip_code": "00081",
    "service_level": "express",
    "carrier": "Kurio",
    "address_type": "business",
    "weight_kg": 1.5,
    "item_count": 2,
    "delivered_on": "2025-01-03",
}


def test_an_order_becomes_the_row_that_a_caller_sends() -> None:
    [row] = features(pd.DataFrame([ORDER])).to_dict("records")
    assert row == {
        "day_of_year": 366,
        "day_of_week": 1,
        "hour_of_day": 23,
        "zip_code": "00081",
        "service_level": "express",
        "carrier": "Kurio",
        "address_type": "business",
        "weight_kg": 1.5,
        "item_count": 2,
        "delivery_days": 3,
    }
    assert list(row) == [*FIELDS, TARGET]


@pytest.mark.parametrize(
    ("days", "expected"),
    [(2.49, date(2025, 1, 1)), (2.5, date(2025, 1, 2)), (3.0, date(2025, 1, 2)), (0.2, date(2024, 12, 30))],
)
def test_half_a_day_and_more_counts_as_one_more(days: float, expected: date) -> None:
    assert delivery_date(date(2024, 12, 30), days) == expected
