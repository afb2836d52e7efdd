"""Files of skops, which hold no code but what they name as types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway_worker.loaders.pickled import importing_from, refusing
from slipway_worker.port import ModelUnreadable, missing


def read_skops(file: Path, trusted: Sequence[str] | None) -> Any:
    """The object, made of types that skops knows and of those in `trusted`."""
    try:
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException
    except ImportError as error:
        raise missing("skops") from error
    with importing_from(file.parent), refusing(file.name):
        try:
            return skops.io.load(file, trusted=list(trusted) if trusted else None)
        except UntrustedTypesFoundException as error:
            raise ModelUnreadable(
                f"{file.name} holds types that skops does not trust by itself ({error}): save it with "
                "mlflow.sklearn and skops_trusted_types, or as a joblib file"
            ) from error
