"""How far predictions are from the day it was, and what the best and the simplest ones reach."""

from __future__ import annotations

import numpy as np
import pandas as pd

from delivery.features import TARGET, ZIP_CODE
from simulate import deliver

THROWS = 31


def scores(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Mean absolute error in days, and the share of rows whose date is at most a day off."""
    distance = np.abs(np.floor(predicted + 0.5) - actual)
    return {
        "mae": round(float(np.abs(predicted - actual).mean()), 4),
        "within_one_day": round(float((distance <= 1).mean()), 4),
    }


def zone_medians(train: pd.DataFrame, held_out: pd.DataFrame) -> np.ndarray:
    """The baseline: the median of the zone, the first two digits, in training; of all rows where the zone is new."""
    medians = train.groupby(train[ZIP_CODE].str[:2])[TARGET].median()
    return held_out[ZIP_CODE].str[:2].map(medians).fillna(train[TARGET].median()).to_numpy()


def typical_days(orders: pd.DataFrame, seed: int) -> np.ndarray:
    """The best that can be known: the median of what the simulator does with the same orders, again and again."""
    rng = np.random.default_rng(seed)
    ordered_on = orders["ordered_at"].to_numpy(dtype="datetime64[D]")
    return np.median([(deliver(rng, orders) - ordered_on).astype("int64") for _ in range(THROWS)], axis=0)
