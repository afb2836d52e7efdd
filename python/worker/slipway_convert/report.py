"""What a conversion tells the process that started it: JSON lines on standard output."""

from __future__ import annotations

import json
from typing import Any, TextIO


class Refusal(Exception):
    """Why a model is not converted, in words for the person who asked. `missing` names packages to install."""

    def __init__(self, kind: str, message: str, missing: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.missing = missing or []


class Reporter:
    """Writes one JSON object a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def stage(self, stage: str, message: str) -> None:
        """Say what is being done now."""
        self._write({"stage": stage, "message": message})

    def done(self, facts: dict[str, Any]) -> None:
        """Close with what was made."""
        self._write({"done": facts})

    def refused(self, refusal: Refusal) -> None:
        """Close with why nothing was made."""
        error = {"kind": refusal.kind, "message": str(refusal), "missing": refusal.missing}
        self._write({"error": error})

    def _write(self, line: dict[str, Any]) -> None:
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()
