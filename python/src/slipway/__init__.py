"""Slipway's transform engine for training code."""

from .column_transformer import from_column_transformer
from .errors import TransformError
from .transform import Transform

__all__ = ["Transform", "TransformError", "from_column_transformer"]
