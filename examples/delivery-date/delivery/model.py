"""The pipeline: encoders of texts in front of boosted trees."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from delivery.features import CATEGORIES, FIELDS, NUMBERS, TARGET, ZIP_CODE

OTHER = -1  # the code of a text that an encoder does not know
MIN_ORDERS = 20  # of a zip code, for the encoder to know it


def known_zip_codes(rows: pd.DataFrame) -> list[str]:
    """The zip codes that are ordered from often enough, in order, so that neighbours have neighbouring codes."""
    orders = rows[ZIP_CODE].value_counts()
    return sorted(orders.index[orders >= MIN_ORDERS])


def encoder(zip_codes: list[str]) -> ColumnTransformer:
    """Texts to numbers. Training rows of rare zip codes are OTHER too, so that the trees learn what that means."""

    def codes(known: list[list[str]] | str) -> OrdinalEncoder:
        return OrdinalEncoder(categories=known, handle_unknown="use_encoded_value", unknown_value=OTHER)

    return ColumnTransformer(
        [
            (ZIP_CODE, codes([zip_codes]), [ZIP_CODE]),
            *((field, codes("auto"), [field]) for field in CATEGORIES),
            ("numbers", "passthrough", list(NUMBERS)),
        ]
    )


def build(zip_codes: list[str], iterations: int, learning_rate: float, seed: int) -> Pipeline:
    """An unfitted pipeline that skl2onnx can convert: codes are numbers to the trees, never `categorical_features`."""
    trees = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=iterations,
        learning_rate=learning_rate,
        early_stopping=False,
        random_state=seed,
    )
    return Pipeline([("encode", encoder(zip_codes)), ("regress", trees)])


def fit(rows: pd.DataFrame, iterations: int, learning_rate: float, seed: int) -> Pipeline:
    pipeline = build(known_zip_codes(rows), iterations, learning_rate, seed)
    return pipeline.fit(rows[list(FIELDS)], rows[TARGET])


def taken_apart(pipeline: Pipeline) -> tuple[HistGradientBoostingRegressor, dict[str, OrdinalEncoder], list[str]]:
    """The trees alone, the encoder of each text, and the columns that the trees take, in order."""
    encoders = {field: pipeline["encode"].named_transformers_[field] for field in (ZIP_CODE, *CATEGORIES)}
    return pipeline["regress"], encoders, [*encoders, *NUMBERS]


def is_unknown(pipeline: Pipeline, zip_codes: pd.Series) -> np.ndarray:
    """Whether each zip code is OTHER to the pipeline."""
    [known] = pipeline["encode"].named_transformers_[ZIP_CODE].categories_
    return ~zip_codes.isin(known).to_numpy()
