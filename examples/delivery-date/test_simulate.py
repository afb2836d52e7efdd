"""Orders follow the calendar and the land, and a seed gives the same ones for ever."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from delivery.features import features
from simulate import DRIFTS, HOLIDAYS, OPENED_ZONES, simulate


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return simulate(30_000, 5)


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_seed_gives_the_same_orders_and_another_seed_others(drift: str) -> None:
    once, again = simulate(2_000, 3, drift=drift), simulate(2_000, 3, drift=drift)
    pd.testing.assert_frame_equal(once, again)
    assert not once["delivered_on"].equals(simulate(2_000, 4, drift=drift)["delivered_on"])


def test_nobody_delivers_on_sundays_and_holidays_nor_to_businesses_on_saturdays(orders: pd.DataFrame) -> None:
    day = pd.to_datetime(orders["delivered_on"])
    assert not (day.dt.dayofweek == 6).any()
    assert not orders["delivered_on"].str[5:].isin(HOLIDAYS).any()
    is_saturday = day.dt.dayofweek == 5
    assert set(orders["address_type"][is_saturday]) == {"residential"}


def test_an_order_after_the_cut_off_waits_for_the_next_working_day(orders: pd.DataFrame) -> None:
    rows = features(orders)
    tuesday = rows[(rows["day_of_week"] == 1) & (rows["service_level"] == "standard")]
    by_hour = tuesday.groupby("hour_of_day")["delivery_days"].mean()
    assert by_hour.loc[14:20].mean() > by_hour.loc[8:13].mean() + 0.6


def test_zip_codes_are_texts_of_five_digits_some_with_leading_zeros(orders: pd.DataFrame) -> None:
    assert orders["zip_code"].str.fullmatch(r"\d{5}").all()
    assert orders["zip_code"].str.startswith("0").mean() > 0.03


def test_zones_that_open_late_have_no_orders_before(orders: pd.DataFrame) -> None:
    late = orders[orders["zip_code"].str[:2].isin(list(OPENED_ZONES))]
    assert len(late) > 100
    assert late["ordered_at"].min() >= min(OPENED_ZONES.values())


def test_drift_moves_what_it_names() -> None:
    orders = {drift: simulate(20_000, 5, "2026-01-01", "2026-06-30", drift=drift) for drift in DRIFTS}
    usual, covariate, concept = orders["none"], orders["covariate"], orders["concept"]
    assert covariate["weight_kg"].median() > 1.3 * usual["weight_kg"].median()
    shares = {drift: rows["zip_code"].str[:2].isin(list(OPENED_ZONES)).mean() for drift, rows in orders.items()}
    assert shares["covariate"] > shares["none"] + 0.1
    pd.testing.assert_frame_equal(concept.drop(columns="delivered_on"), usual.drop(columns="delivered_on"))
    days = {drift: features(rows)["delivery_days"].groupby(rows["carrier"]).mean() for drift, rows in orders.items()}
    moved = days["concept"] - days["none"]
    assert moved["Paxpost"] > 1.9
    np.testing.assert_allclose(moved[["Kurio", "Northline"]], 0, atol=1e-9)
