"""Stands in for `slipway_worker/models.py` in tests of the process: a model is a Python file with `facts` and `predict`."""

from __future__ import annotations

import runpy


class ModelUnreadable(Exception):
    pass


class MissingPackages(Exception):
    def __init__(self, packages):
        self.packages = packages
        super().__init__("packages are missing")


class OutputError(Exception):
    def __init__(self, kind, message):
        self.kind = kind
        super().__init__(message)


class Columns:
    def __init__(self, names, rows, arrays):
        self.names = names
        self.rows = rows
        self.arrays = arrays


class Output:
    def __init__(self, predictions, probabilities=None):
        self.predictions = predictions
        self.probabilities = probabilities


class Model:
    def __init__(self, names):
        self.facts = {
            "kind": "test",
            "executes_code": True,
            "inputs": None,
            "width": 1,
            "task": "generic",
            "labels": None,
            "has_probabilities": False,
            "packages": {},
            **names.get("facts", {}),
        }
        self._predict = names["predict"]

    def predict(self, columns, params):
        return self._predict(columns, params)


def load(directory, entry, declared):
    own = {
        "Output": Output,
        "ModelUnreadable": ModelUnreadable,
        "MissingPackages": MissingPackages,
        "OutputError": OutputError,
        "declared": declared,
    }
    return Model(runpy.run_path(str(directory / entry), own))
