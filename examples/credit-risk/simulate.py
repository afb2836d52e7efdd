"""Seeded loan applications with their outcome: a formula and chance, so that a model can learn it, but not perfectly.

The log-odds of a default are `BASE` plus `risk(...)`: what the fields say, the applicant's thrift, which no field says,
and chance. A seed gives the same rows for ever; drift moves the same people, so that two runs can be compared.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

FIELDS = (
    "applied_at",
    "age",
    "income",
    "employment_type",
    "employment_years",
    "occupation",
    "region",
    "home_ownership",
    "credit_score",
    "debt_ratio",
    "open_accounts",
    "late_payments",
    "months_since_late",
    "savings",
    "loan_amount",
    "loan_term",
    "loan_purpose",
    "channel",
    "customer_since",
    "has_guarantor",
)
OUTCOMES = ("repaid", "default")
TARGET = "outcome"
LABEL = "defaulted"  # 0 or 1, what the transform's target encoding reads
TRUTH = "true_probability"  # of a default, which no model can know

PURPOSES = ("car", "home_improvement", "debt_consolidation", "education", "holiday", "medical", "business", "other")
PURPOSE_WEIGHTS = np.array([0.24, 0.18, 0.2, 0.08, 0.08, 0.06, 0.07, 0.09])
PURPOSE_AMOUNT = np.array([14_000, 16_000, 12_000, 9_000, 4_000, 5_000, 20_000, 6_000])  # euros, median
PURPOSE_RISK = np.array([-0.1, -0.25, 0.3, -0.05, 0.1, 0.25, 0.45, 0.05])
EMPLOYMENTS = ("permanent", "fixed_term", "self_employed", "unemployed", "retired")
EMPLOYMENT_WEIGHTS = np.array([0.64, 0.16, 0.15, 0.05])
EMPLOYMENT_INCOME = np.array([1.0, 0.82, 1.1, 0.45, 0.7])
EMPLOYMENT_RISK = np.array([-0.15, 0.25, 0.2, 0.7, -0.1])
HOMES = ("own", "mortgage", "rent", "family")
HOME_RISK = np.array([-0.35, -0.15, 0.15, 0.05])
CHANNELS = ("branch", "web", "broker", "phone")
CHANNEL_WEIGHTS = np.array([0.25, 0.5, 0.15, 0.1])
CHANNEL_RISK = np.array([-0.1, 0.0, 0.3, 0.0])
TERMS = np.array([12, 24, 36, 48, 60, 72, 84])  # months
HOURS = np.array([1, 1, 1, 1, 1, 1, 2, 4, 7, 10, 11, 11, 10, 10, 10, 9, 9, 9, 9, 9, 8, 6, 4, 2], dtype=float)
VOLUME = np.array([1.25, 1.0, 1.1, 1.1, 1.05, 0.95, 0.85, 0.8, 0.95, 1.0, 1.05, 0.9])  # of a month, January first
REGIONS = tuple(f"R{number:02d}" for number in range(1, 17))
OCCUPATIONS = tuple(
    "accountant analyst architect baker bookkeeper builder bus_driver butcher carpenter cashier chef cleaner clerk "
    "consultant dentist designer developer doctor electrician engineer farmer firefighter florist gardener guard "
    "hairdresser janitor journalist lawyer librarian mechanic musician nurse painter pharmacist pilot plumber "
    "police_officer salesperson teacher technician translator truck_driver veterinarian waiter warehouse_worker".split()
)
# The world itself does not change with the seed of the rows.
_world = np.random.default_rng(20_230_101)
REGION_RISK = _world.normal(0, 0.3, len(REGIONS)).round(3)
REGION_WEIGHTS = _world.dirichlet(np.full(len(REGIONS), 3.0))
OCCUPATION_RISK = _world.normal(0, 0.35, len(OCCUPATIONS)).round(3)
OCCUPATION_INCOME = np.exp(_world.normal(0, 0.2, len(OCCUPATIONS))).round(3)
OCCUPATION_WEIGHTS = _world.permutation(1 / np.arange(1, len(OCCUPATIONS) + 1) ** 0.8)

BASE = -2.45
MEDIAN_INCOME = 36_000  # euros a year
DRIFTS = ("none", "covariate", "concept", "both")


def simulate(
    rows: int,
    seed: int = 7,
    first: str = "2023-01-01",
    last: str = "2025-12-31",
    drift: str = "none",
    strength: float = 1.0,
) -> pd.DataFrame:
    """FIELDS, TARGET, LABEL and TRUTH of `rows` applications between two days, both included, in time order.

    `drift` covariate: incomes fall, debts rise, more brokers, more thin files and an occupation nobody has seen.
    Concept: debts count more, the credit score counts less, and defaults are more frequent for the same fields.
    """
    if drift not in DRIFTS:
        raise ValueError(f"drift is one of {', '.join(DRIFTS)}")
    shifted = strength if drift in ("covariate", "both") else 0.0
    changed = strength if drift in ("concept", "both") else 0.0
    rng = np.random.default_rng(seed)
    day = days(rng, rows, first, last)
    people = draw_people(rng, day, shifted)
    loans = draw_loans(rng, day, people, shifted)
    probability = 1 / (1 + np.exp(-(BASE + risk(people, loans, changed))))
    defaulted = (rng.random(rows) < probability).astype("int64")
    frame = to_fields(rng, people, loans, shifted)
    frame[TARGET] = np.array(OUTCOMES)[defaulted]
    frame[LABEL], frame[TRUTH] = defaulted, probability
    return frame.sort_values("applied_at", kind="stable", ignore_index=True)


def days(rng: np.random.Generator, rows: int, first: str, last: str) -> np.ndarray:
    """A day for each row, drawn with the volume of its month; numpy datetime64[D]."""
    every = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
    weights = VOLUME[months(every) - 1]
    return rng.choice(every, rows, p=weights / weights.sum())


def months(day: np.ndarray) -> np.ndarray:
    """From 1 for January."""
    return day.astype("datetime64[M]").astype("int64") % 12 + 1


def pick(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """One place for each row of weights [N, K], which need not sum to 1."""
    cumulative = np.cumsum(weights, axis=1)
    return (rng.random(len(weights))[:, None] * cumulative[:, -1:] > cumulative).sum(axis=1)


def draw_people(rng: np.random.Generator, day: np.ndarray, shifted: float) -> dict[str, np.ndarray]:
    rows = len(day)
    thrift = rng.normal(size=rows)
    age = (18 + 57 * rng.beta(1.7, 2.6, rows)).astype("int64")
    retired = (age >= 63) & (rng.random(rows) < 0.85)
    employment = np.where(retired, 4, pick(rng, np.tile(EMPLOYMENT_WEIGHTS, (rows, 1))))
    works = employment < 3
    years = np.where(works, np.minimum(rng.exponential(2 + 0.16 * (age - 18)), age - 17), np.nan).round(1)
    occupation = pick(rng, np.tile(OCCUPATION_WEIGHTS, (rows, 1)))
    region = pick(rng, np.tile(REGION_WEIGHTS, (rows, 1)))
    by_age = np.exp(-(((age - 48) / 32) ** 2))
    growth = 1.025 ** ((day - np.datetime64("2023-01-01")).astype("int64") / 365)
    spread = np.exp(rng.normal(0, 0.32, rows))
    income = MEDIAN_INCOME * by_age * EMPLOYMENT_INCOME[employment] * OCCUPATION_INCOME[occupation] * growth * spread
    income = income * (1 - 0.12 * shifted)
    wealth = np.log(income / MEDIAN_INCOME) + (age - 40) / 20
    weights = np.exp(np.stack([0.5 * wealth - 0.7, 0.6 * wealth, -0.4 * wealth + 0.3, -1.2 * wealth - 1.6], axis=1))
    home = pick(rng, weights)
    late = rng.poisson(np.exp(-1.2 - 0.85 * thrift))
    accounts = rng.poisson(2.2 + 0.03 * (age - 18) + 0.4 * np.maximum(-thrift, 0))
    debt = np.exp(-1.55 - 0.16 * thrift + 0.05 * accounts + rng.normal(0, 0.5, rows)) * (1 + 0.35 * shifted)
    score = np.clip(642 + 58 * thrift + 0.9 * (age - 40) - 9 * late + rng.normal(0, 34, rows), 300, 850)
    return {
        "thrift": thrift,
        "age": age,
        "income": income,
        "employment": employment,
        "years": years,
        "occupation": occupation,
        "region": region,
        "home": home,
        "late": late,
        "since_late": np.where(late > 0, np.floor(24 * rng.random(rows) ** (1 + 0.4 * late)), np.nan),
        "accounts": accounts,
        "debt": debt,
        "score": score.round(),
        "savings": np.exp(rng.normal(7.6 + 0.45 * thrift + 0.5 * wealth, 1.1)),
        "relation": np.where(rng.random(rows) < 0.45, rng.exponential(4, rows), np.nan),
        "guarantor": rng.random(rows) < 0.07,
        "hides_income": rng.random(rows) < 0.03 + 0.14 * (employment == 2) + 0.05 * (income < 20_000),
        "thin_file": rng.random(rows) < 0.03 + 0.2 * (age < 25) + 0.08 * shifted,
    }


def draw_loans(
    rng: np.random.Generator, day: np.ndarray, people: dict[str, np.ndarray], shifted: float
) -> dict[str, np.ndarray]:
    rows = len(day)
    season = 2 * np.pi * (months(day) - 1) / 12
    weights = np.tile(PURPOSE_WEIGHTS, (rows, 1))
    weights[:, PURPOSES.index("holiday")] *= 1 - 0.8 * np.cos(season - np.pi / 6)
    weights[:, PURPOSES.index("debt_consolidation")] *= 1 + 0.5 * np.cos(season) + 0.6 * shifted
    purpose = pick(rng, weights)
    wanted = PURPOSE_AMOUNT[purpose] * np.exp(rng.normal(0, 0.55, rows))
    amount = np.clip(wanted * (people["income"] / MEDIAN_INCOME) ** 0.5, 1_000, 75_000)
    longer = np.log(amount / 8_000)[:, None] * np.arange(len(TERMS)) * 0.35
    channels = np.tile(CHANNEL_WEIGHTS, (rows, 1))
    channels[:, CHANNELS.index("broker")] *= 1 + 1.2 * shifted
    hour = pick(rng, np.tile(HOURS, (rows, 1)))
    return {
        "day": day,
        "season": season,
        "hour": hour,
        "purpose": purpose,
        "amount": (amount / 500).round() * 500,
        "term": TERMS[pick(rng, np.exp(longer))],
        "channel": pick(rng, channels),
    }


def risk(people: dict[str, np.ndarray], loans: dict[str, np.ndarray], changed: float) -> np.ndarray:
    """Log-odds beside BASE; `changed` is how far the world has moved from the one that was learnt."""
    debt = people["debt"]
    burden = np.log(loans["amount"] / (0.3 * people["income"]))
    late = people["late"] > 0
    fixed_and_renting = (people["employment"] == 1) & (people["home"] == 2)
    at_night = (loans["hour"] >= 22) | (loans["hour"] < 6)
    return (
        -0.4 * people["thrift"]
        - 0.007 * (1 - 0.5 * changed) * (people["score"] - 640)
        + 1.2 * (1 + changed) * (debt - 0.25)
        + 1.8 * np.maximum(debt - 0.45, 0)
        + 0.55 * burden
        + 0.15 * np.minimum(people["late"], 5)
        + np.where(late, 0.7 * np.exp(-np.nan_to_num(people["since_late"]) / 6), 0)
        + EMPLOYMENT_RISK[people["employment"]]
        - 0.07 * np.minimum(np.nan_to_num(people["years"]), 10)
        + HOME_RISK[people["home"]]
        + 0.35 * fixed_and_renting
        + PURPOSE_RISK[loans["purpose"]]
        + REGION_RISK[people["region"]]
        + OCCUPATION_RISK[people["occupation"]]
        + CHANNEL_RISK[loans["channel"]]
        + 0.0007 * (people["age"] - 46) ** 2
        + 0.009 * (loans["term"] - 36)
        - 0.16 * np.log1p(people["savings"] / 1_000)
        - 0.08 * np.minimum(np.nan_to_num(people["relation"]), 8)
        - 0.5 * people["guarantor"]
        + 0.45 * people["hides_income"]
        + 0.25 * people["thin_file"]
        + 0.25 * np.cos(loans["season"])
        + 0.3 * at_night
        + 0.45 * changed
    )


def to_fields(
    rng: np.random.Generator, people: dict[str, np.ndarray], loans: dict[str, np.ndarray], shifted: float
) -> pd.DataFrame:
    """What the lender gets to see: missing values, sloppy spellings, and times as text in UTC."""
    rows = len(people["age"])
    second = loans["hour"] * 3600 + rng.integers(0, 3600, rows)
    applied = loans["day"].astype("datetime64[s]") + second
    since = loans["day"] - np.floor(np.nan_to_num(people["relation"]) * 365).astype("int64")
    occupation = np.array(OCCUPATIONS, dtype=object)[people["occupation"]]
    occupation[rng.random(rows) < 0.06 * shifted] = "platform_courier"
    channel = pd.Series(np.array(CHANNELS)[loans["channel"]])
    sloppy = rng.random(rows)
    channel = channel.where(sloppy > 0.06, channel.str.capitalize()).where(sloppy > 0.02, channel + " ")
    return pd.DataFrame(
        {
            "applied_at": np.char.add(np.datetime_as_string(applied, unit="s"), "Z"),
            "age": people["age"],
            "income": unless(people["hides_income"], (people["income"] / 100).round() * 100),
            "employment_type": np.array(EMPLOYMENTS)[people["employment"]],
            "employment_years": people["years"],
            "occupation": unless(rng.random(rows) < 0.02, occupation),
            "region": np.array(REGIONS)[people["region"]],
            "home_ownership": np.array(HOMES)[people["home"]],
            "credit_score": pd.array(unless(people["thin_file"], people["score"]), dtype="Int64"),
            "debt_ratio": people["debt"].round(3),
            "open_accounts": people["accounts"],
            "late_payments": people["late"],
            "months_since_late": pd.array(people["since_late"], dtype="Int64"),
            "savings": unless(rng.random(rows) < 0.1, people["savings"].round()),
            "loan_amount": loans["amount"],
            "loan_term": loans["term"],
            "loan_purpose": np.array(PURPOSES)[loans["purpose"]],
            "channel": channel,
            "customer_since": unless(np.isnan(people["relation"]), np.datetime_as_string(since, unit="D")),
            "has_guarantor": people["guarantor"],
        }
    )[list(FIELDS)]


def unless(absent: np.ndarray, values: np.ndarray) -> pd.Series:
    return pd.Series(values).mask(absent)


def to_records(frame: pd.DataFrame) -> list[dict]:
    """The fields of each row as a caller sends them: JSON values, null for a missing one."""
    columns = frame[list(FIELDS)].astype(object)
    return columns.where(columns.notna(), None).to_dict("records")


def write_traffic(frame: pd.DataFrame, path: Path | None) -> None:
    """JSON Lines of {"features": raw row, "actual": outcome}; to standard output without a path."""
    rows = zip(to_records(frame), frame[TARGET], strict=True)
    text = "".join(json.dumps({"features": fields, "actual": actual}) + "\n" for fields, actual in rows)
    if path is None:
        sys.stdout.write(text)
    else:
        path.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Writes simulated applications with their outcomes, as traffic for a served model.",
        epilog="example: python simulate.py --rows 5000 --from 2026-01-01 --until 2026-03-31 --drift both --out drifted.jsonl",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--from", dest="first", default="2026-01-01", help="first day")
    parser.add_argument("--until", dest="last", default="2026-06-30", help="last day")
    parser.add_argument("--drift", choices=DRIFTS, default="none", help="what has moved since training")
    parser.add_argument("--strength", type=float, default=1.0, help="how far it has moved")
    parser.add_argument("--out", type=Path, help="file of JSON Lines; standard output without it")
    options = parser.parse_args(arguments)
    frame = simulate(options.rows, options.seed, options.first, options.last, options.drift, options.strength)
    write_traffic(frame, options.out)


if __name__ == "__main__":
    main()
