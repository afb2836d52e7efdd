"""
`python -m slipway_worker.preflight DIRECTORY`: what the model in the directory asks for and what of it this interpreter
has, as one JSON object. It runs before any file of the model is loaded, on the standard library alone.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slipway_worker.requirements import RequirementsUnreadable, check, read_requirements

_OLDEST = (3, 9)
#: Flavours that the worker loads by their own library where mlflow is not installed.
_WITHOUT_MLFLOW = re.compile(r"^\s+loader_module:\s*mlflow\.(sklearn|xgboost|lightgbm)\s*$", re.MULTILINE)


def inspect(folder: Path) -> dict[str, Any]:
    """The report: `problem` is null, or why the requirements cannot be followed."""
    report: dict[str, Any] = {
        "python": platform.python_version(),
        "executable": sys.executable,
        "sources": [],
        "wanted_python": None,
        "missing": [],
        "different": [],
        "unchecked": [],
        "problem": None,
    }
    if sys.version_info < _OLDEST:
        report["problem"] = f"Python {platform.python_version()} is too old: Slipway's worker runs on 3.9 and newer"
        return report
    try:
        requirements = read_requirements(folder)
    except RequirementsUnreadable as error:
        report["problem"] = str(error)
        return report
    findings = check(requirements.lines, optional=("mlflow",) if _needs_no_mlflow(folder) else ())
    findings.unchecked.extend(f"{package} (conda)" for package in requirements.of_conda)
    report.update(asdict(findings), sources=requirements.sources)
    wanted = requirements.python
    if wanted is not None and wanted.split(".")[:2] != [str(part) for part in sys.version_info[:2]]:
        report["wanted_python"] = wanted
    return report


def _needs_no_mlflow(folder: Path) -> bool:
    mlmodel = folder / "MLmodel"
    return mlmodel.is_file() and _WITHOUT_MLFLOW.search(mlmodel.read_text("utf-8", "replace")) is not None


if __name__ == "__main__":
    print(json.dumps(inspect(Path(sys.argv[1]))))
