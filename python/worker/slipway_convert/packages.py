"""The packages that a conversion needs beside the model's own."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from .report import Refusal

#: Import name and what to install, by the library that made the model; `*` is always needed.
NEEDED = {
    "*": [("onnx", "onnx"), ("skl2onnx", "skl2onnx")],
    "xgboost": [("onnxmltools", "onnxmltools")],
    "lightgbm": [("onnxmltools", "onnxmltools")],
}
#: Whose versions are part of a conversion's provenance.
RECORDED = (
    "skl2onnx", "onnxmltools", "onnx", "numpy", "scikit-learn", "xgboost", "xgboost-cpu", "lightgbm"
)  # fmt: skip


def require(libraries: set[str]) -> None:
    """Refuse when a converter is not installed; the message is the command that installs all of them."""
    needed = dict(pair for library in ("*", *sorted(libraries)) for pair in NEEDED.get(library, []))
    missing = [package for module, package in needed.items() if importlib.util.find_spec(module) is None]
    if not missing:
        return
    raise Refusal(
        "missing",
        f"The converter is not installed where the model's Python runs: pip install {' '.join(missing)}",
        [{"package": package, "wanted": None, "found": None} for package in missing],
    )


def versions() -> dict[str, str]:
    """Versions of what took part, as far as it is installed."""
    found = {}
    for package in RECORDED:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
