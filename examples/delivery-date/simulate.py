"""Seeded orders of an online shop with the day each was delivered: a warehouse, carriers, a calendar, and chance.

An order waits for the cut-off hour and a working day, is packed, travels as far as its zip code is away, and is handed
over on a day the carrier delivers. A seed gives the same orders for ever.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from delivery.export import write_traffic
from delivery.features import features

CHARACTERISTICS = ("zip_code", "service_level", "carrier", "address_type", "weight_kg", "item_count")
ORDERED, DELIVERED = "ordered_at", "delivered_on"

SERVICES = ("economy", "standard", "express")
SERVICE_WEIGHTS = (0.3, 0.52, 0.18)
SERVICE_BASE_DAYS = np.array([1.7, 0.8, 0.4])
SERVICE_KM_A_DAY = np.array([330.0, 480.0, 1100.0])
CARRIERS = ("Kurio", "Northline", "Paxpost")
CARRIER_WEIGHTS = (0.3, 0.25, 0.45)
CARRIER_PACE = np.array([0.85, 1.0, 1.2])
BUSINESS_SHARE = 0.22
HOURS = np.array([3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 11, 10, 9, 9, 9, 10, 11, 13, 15, 14, 10, 6], dtype=float)

CUT_OFF_HOUR = {"economy": 14, "standard": 14, "express": 17}
HOLIDAYS = ("01-01", "05-01", "10-03", "11-01", "12-25", "12-26")
_years = range(2022, 2030)
_closed = [f"{year}-{day}" for year in _years for day in HOLIDAYS]
WAREHOUSE_DAYS = np.busdaycalendar("1111100", _closed)
ROUND_DAYS = {"residential": np.busdaycalendar("1111110", _closed), "business": WAREHOUSE_DAYS}

# The first digit of a zip code is a region, two are a zone: where its depot lies, in km from the south-west corner.
REGION_AT = np.transpose(
    [(620, 560, 390, 250, 60, 100, 290, 200, 430, 640), (330, 620, 760, 590, 430, 270, 300, 90, 60, 130)]
)
WAREHOUSE_AT = np.array([330, 500])
OPENED_ZONES = {"97": "2025-07-01", "98": "2025-07-01"}  # the shop did not deliver there before
OPENED_SHARE = 0.06  # of the orders since
SNOW_REGIONS = ("8", "9")

# The land itself does not change with the seed of the orders.
_land = np.random.default_rng(19_630_701)
_zones = [f"{number:02d}" for number in range(100) if number not in (5, 11, 43, 62, 95, 96, 99)]
_places = [(zone, f"{zone}{town:03d}") for zone in _zones for town in np.sort(_land.choice(999, 6, replace=False)) + 1]
PLACES = pd.DataFrame(_places, columns=["zone", "zip_code"])
_depot = {zone: REGION_AT[int(zone[0])] + (int(zone[1]) - 4.5) * _land.normal(0, 22, 2) for zone in _zones}
PLACES["km"] = [round(float(np.hypot(*(_depot[zone] - WAREHOUSE_AT)))) for zone in PLACES["zone"]]
PLACES["is_remote"] = _land.random(len(PLACES)) < 0.12  # islands and mountain valleys
PLACES["weight"] = _land.gamma(0.7, 1, len(PLACES)) * np.where(PLACES["is_remote"], 0.3, 1)

DRIFTS = ("none", "covariate", "concept", "both")


def simulate(
    rows: int,
    seed: int = 7,
    first: str = "2023-01-01",
    last: str = "2025-12-31",
    drift: str = "none",
    strength: float = 1.0,
) -> pd.DataFrame:
    """ORDERED, CHARACTERISTICS and DELIVERED of `rows` orders between two days, both included, in time order.

    `drift` covariate: a fifth of the orders goes to zones that were opened late, and parcels are heavier. Concept: a
    go-slow, in which Paxpost takes two more days for the same parcels.
    """
    if drift not in DRIFTS:
        raise ValueError(f"drift is one of {', '.join(DRIFTS)}")
    shifted = strength if drift in ("covariate", "both") else 0.0
    changed = strength if drift in ("concept", "both") else 0.0
    rng = np.random.default_rng(seed)
    orders = draw_orders(rng, rows, first, last, shifted)
    orders[DELIVERED] = np.datetime_as_string(deliver(rng, orders, changed), unit="D")
    return orders.sort_values(ORDERED, kind="stable", ignore_index=True)


def draw_orders(rng: np.random.Generator, rows: int, first: str, last: str, shifted: float = 0.0) -> pd.DataFrame:
    every = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
    volume = 1 + 2 * load(every) - 0.15 * (weekday(every) == 5)
    day = rng.choice(every, rows, p=volume / volume.sum())
    second = rng.choice(24, rows, p=HOURS / HOURS.sum()) * 3600 + rng.integers(0, 3600, rows)
    items = 1 + rng.poisson(rng.gamma(1.2, 1.1, rows))
    weight = items * np.exp(rng.normal(0.1, 0.85, rows)) * (1 + 0.4 * shifted)
    return pd.DataFrame(
        {
            ORDERED: np.datetime_as_string(day.astype("datetime64[s]") + second, unit="s"),
            "zip_code": draw_zip_codes(rng, day, shifted),
            "service_level": rng.choice(SERVICES, rows, p=SERVICE_WEIGHTS),
            "carrier": rng.choice(CARRIERS, rows, p=CARRIER_WEIGHTS),
            "address_type": np.where(rng.random(rows) < BUSINESS_SHARE, "business", "residential"),
            "weight_kg": np.clip(weight, 0.05, 60).round(2),
            "item_count": items,
        }
    )


def draw_zip_codes(rng: np.random.Generator, day: np.ndarray, shifted: float) -> np.ndarray:
    is_late = PLACES["zone"].isin(list(OPENED_ZONES))
    codes = np.empty(len(day), dtype=object)
    for places, where in ((PLACES[~is_late], slice(None)), (PLACES[is_late], opened(rng, day, shifted))):
        share = places["weight"].to_numpy() / places["weight"].sum()
        codes[where] = rng.choice(places["zip_code"].to_numpy(dtype=object), len(codes[where]), p=share)
    return codes


def opened(rng: np.random.Generator, day: np.ndarray, shifted: float) -> np.ndarray:
    since = np.datetime64(min(OPENED_ZONES.values()))
    return (day >= since) & (rng.random(len(day)) < OPENED_SHARE + 0.14 * shifted)


def deliver(rng: np.random.Generator, orders: pd.DataFrame, changed: float = 0.0) -> np.ndarray:
    """The day each order arrives, by one throw of the dice; numpy datetime64[D]."""
    ordered = orders[ORDERED].to_numpy(dtype="datetime64[s]")
    dispatched = dispatch(rng, orders, ordered.astype("datetime64[D]"), ordered.astype("datetime64[h]"))
    days = travel_days(rng, orders, dispatched, changed)
    delivered = np.empty(len(orders), dtype="datetime64[D]")
    for address_type, calendar in ROUND_DAYS.items():
        rows = (orders["address_type"] == address_type).to_numpy()
        delivered[rows] = np.busday_offset(dispatched[rows], days[rows], roll="forward", busdaycal=calendar)
    return delivered


def dispatch(rng: np.random.Generator, orders: pd.DataFrame, day: np.ndarray, hour: np.ndarray) -> np.ndarray:
    """The working day on which the parcel leaves the warehouse: the next one after the cut-off, later when busy."""
    cut_off = orders["service_level"].map(CUT_OFF_HOUR).to_numpy()
    is_late = (hour - day.astype("datetime64[h]")).astype("int64") >= cut_off
    is_open = np.is_busday(day, busdaycal=WAREHOUSE_DAYS)
    taken_up = np.busday_offset(day, (is_late & is_open).astype("int64"), roll="forward", busdaycal=WAREHOUSE_DAYS)
    busy = np.where(orders["service_level"] == "express", 0.3, 1.0)
    is_large = (orders["item_count"] > 6).to_numpy()
    waits = rng.poisson(0.03 + busy * load(taken_up)) + (is_large & (rng.random(len(day)) < 0.6))
    return np.busday_offset(taken_up, waits, busdaycal=WAREHOUSE_DAYS)


def travel_days(rng: np.random.Generator, orders: pd.DataFrame, dispatched: np.ndarray, changed: float) -> np.ndarray:
    """Days of the carrier's round between dispatch and delivery, at least one."""
    rows = len(orders)
    places = PLACES.set_index("zip_code").loc[orders["zip_code"]]
    service = pd.Categorical(orders["service_level"], categories=SERVICES).codes
    carrier = pd.Categorical(orders["carrier"], categories=CARRIERS).codes
    days = SERVICE_BASE_DAYS[service] + places["km"].to_numpy() / SERVICE_KM_A_DAY[service]
    days = days * CARRIER_PACE[carrier] * np.exp(rng.normal(0, 0.14, rows))
    days += 1.1 * places["is_remote"].to_numpy() + 0.8 * (orders["weight_kg"] > 20).to_numpy()
    snows = np.isin(month(dispatched), (12, 1, 2)) & orders["zip_code"].str[0].isin(SNOW_REGIONS).to_numpy()
    days += snows * rng.poisson(0.5, rows)
    days += (rng.random(rows) < 0.012) * (3 + rng.exponential(4, rows))  # lost, damaged, misrouted
    days += 2 * changed * (carrier == CARRIERS.index("Paxpost"))
    return np.maximum(np.floor(days + 0.5), 1).astype("int64")


def load(day: np.ndarray) -> np.ndarray:
    """How far the warehouse is behind: gifts in December, the sales at the end of November and in early January."""
    of_year = day_of_year(day)
    gifts = np.clip((of_year - 335) / 20, 0, 1) * (of_year <= 358)
    sales = 0.6 * ((of_year >= 328) & (of_year < 335)) + 0.35 * ((of_year >= 2) & (of_year <= 12))
    return gifts + sales


def day_of_year(day: np.ndarray) -> np.ndarray:
    return (day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype("int64") + 1


def month(day: np.ndarray) -> np.ndarray:
    """From 1 for January."""
    return day.astype("datetime64[M]").astype("int64") % 12 + 1


def weekday(day: np.ndarray) -> np.ndarray:
    """From 0 for Monday."""
    return (day.astype("int64") + 3) % 7


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Writes simulated orders with their days of delivery, as traffic for a served model.",
        epilog="example: python simulate.py --rows 5000 --from 2026-01-01 --until 2026-03-31 --drift both --out drifted.jsonl",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--from", dest="first", default="2026-01-01", help="first day")
    parser.add_argument("--until", dest="last", default="2026-06-30", help="last day, before 2029-12")
    parser.add_argument("--drift", choices=DRIFTS, default="none", help="what has moved since training")
    parser.add_argument("--strength", type=float, default=1.0, help="how far it has moved")
    parser.add_argument("--out", type=Path, help="file of JSON Lines; standard output without it")
    options = parser.parse_args(arguments)
    orders = simulate(options.rows, options.seed, options.first, options.last, options.drift, options.strength)
    write_traffic(features(orders), options.out)


if __name__ == "__main__":
    main()
