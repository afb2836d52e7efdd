"""Loads a model, whatever its files are: the model half of the worker."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway_worker.loaders.mlflow_folder import load_mlflow
from slipway_worker.loaders.notebook import load_notebook
from slipway_worker.loaders.pickled import importing_from, noting_versions
from slipway_worker.port import Columns, MissingPackages, Model, ModelUnreadable, Output, OutputError

__all__ = ["Columns", "MissingPackages", "Model", "ModelUnreadable", "Output", "OutputError", "load"]


def load(directory: Path | str, entry: str, declared: Mapping[str, Any] | None = None) -> Model:
    """
    Loads the model whose file is `entry` in `directory`: an MLmodel file, or the file of a model beside which lie the
    scaler, encoders and names of features that belong to it. `declared` is what an MLmodel file says of inputs and
    outputs. ModelUnreadable says what to do, MissingPackages what to install.
    """
    folder = Path(directory).resolve()
    file = folder / entry
    notes: list[str] = []
    with noting_versions(notes), importing_from(folder):
        model = load_mlflow(file.parent, declared) if file.name == "MLmodel" else load_notebook(folder, file)
    # Arrays are handed to estimators that know names, with the columns in the order of the names. Here, because what is
    # set while versions are noted is undone.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    if notes:
        model.facts["warnings"] = notes
    return model
