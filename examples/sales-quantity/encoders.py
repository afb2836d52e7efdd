"""Two ways from raw fields to the numbers of the trees: by the transform engine, or by tables inside the ONNX graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import xgboost as xgb
from mlflow.types import ColSpec
from mlflow.types.schema import DataType
from slipway import Transform

from data import FIELDS, class_codes
from features import fit_tables, folds_of_baskets, to_features, training_features
from graph import INPUT, build_graph, build_matrix_graph, to_tensors

SPEC = Path(__file__).resolve().parent / "transform.yaml"
LABEL = "quantity_level"  # class position, as the transform's target encoding reads it


class ByEngine:
    """The graph takes one matrix of numbers, which the engine makes in training and in serving."""

    version = "2.0.0"
    directory = "model"

    def __init__(self, transform: Transform | None = None) -> None:
        self._transform = transform

    @property
    def transform(self) -> Transform:
        if self._transform is None:
            raise ValueError("nothing was fitted yet")
        return self._transform

    def fit(self, lines: pd.DataFrame) -> None:
        self._transform = fit_transform(lines)

    def features(self, lines: pd.DataFrame) -> np.ndarray:
        """Float32 [N, K]."""
        return self.transform.transform(lines)

    def training_features(self, lines: pd.DataFrame, seed: int) -> np.ndarray:
        """Like `features`, but no line is encoded by a transform that saw its own basket."""
        fold = folds_of_baskets(lines, seed)
        matrix = np.empty((len(lines), len(self.transform.columns)), dtype="float32")
        for number in np.unique(fold):
            matrix[fold == number] = fit_transform(lines[fold != number]).transform(lines[fold == number])
        return matrix

    def graph(self, booster: xgb.Booster, name: str) -> onnx.ModelProto:
        return build_matrix_graph(booster, name)

    def tensors(self, lines: pd.DataFrame) -> dict[str, np.ndarray]:
        return {INPUT: self.features(lines)}

    def columns(self) -> list[ColSpec]:
        return [ColSpec(DataType.float, column) for column in self.transform.columns]

    def example(self, lines: pd.DataFrame) -> pd.DataFrame:
        return self.transform.apply(lines).reset_index(drop=True)

    def vectors(self, lines: pd.DataFrame) -> list[dict]:
        """What golden examples add: the numbers of each line as JSON has them, null for NaN."""
        matrix = self.features(lines)
        return [{"vector": [None if np.isnan(value) else float(value) for value in row]} for row in matrix]

    def save(self, directory: Path) -> None:
        self.transform.save(directory / "transform.json")


class InGraph:
    """The graph takes the raw fields, one tensor each, and holds the tables itself."""

    version = "1.0.0"
    directory = "model-in-graph"

    def fit(self, lines: pd.DataFrame) -> None:
        self._tables = fit_tables(lines, class_codes(lines))

    def features(self, lines: pd.DataFrame) -> pd.DataFrame:
        """Float32 [N, K]."""
        return to_features(lines, self._tables)

    def training_features(self, lines: pd.DataFrame, seed: int) -> pd.DataFrame:
        return training_features(lines, class_codes(lines), seed)

    def graph(self, booster: xgb.Booster, name: str) -> onnx.ModelProto:
        return build_graph(self._tables, booster, name)

    def tensors(self, lines: pd.DataFrame) -> dict[str, np.ndarray]:
        return to_tensors(lines)

    def columns(self) -> list[ColSpec]:
        return [ColSpec(DataType[kind], field) for field, kind in FIELDS.items()]

    def example(self, lines: pd.DataFrame) -> pd.DataFrame:
        floats = {field: "float32" for field, kind in FIELDS.items() if kind == "float"}
        return lines[list(FIELDS)].astype(floats)

    def vectors(self, lines: pd.DataFrame) -> list[dict]:
        return [{}] * len(lines)

    def save(self, directory: Path) -> None:
        """The graph is the whole model."""


Encoding = ByEngine | InGraph


def fit_transform(lines: pd.DataFrame) -> Transform:
    return Transform.load(SPEC).fit(lines.assign(**{LABEL: class_codes(lines)}))
