"""Slipway's transform engine for training code."""

from .errors import TransformError
from .transform import Transform

__all__ = ["Transform", "TransformError"]
