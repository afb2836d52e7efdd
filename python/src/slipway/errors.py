from __future__ import annotations

from typing import Any, Mapping, Sequence


class TransformError(ValueError):
    """What is wrong with a transform or with the rows it was given; the message lists all problems.

    ``code`` is that of the engine (``TRANSFORM_INVALID``, ``INPUT_INVALID``, ...). A problem has ``path`` and
    ``message``, and where it helps ``expected`` and ``got``.
    """

    def __init__(
        self, code: str, message: str, problems: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.code = code
        self.problems = [dict(problem) for problem in problems]
        self._summary = message
        super().__init__("\n".join([message, *map(_line, self.problems)]))

    def __reduce__(self) -> Any:
        return type(self), (self.code, self._summary, self.problems)


def _line(problem: Mapping[str, Any]) -> str:
    hints = ", ".join(f"{key} {problem[key]}" for key in ("expected", "got") if key in problem)
    return f"  {problem['path']}: {problem['message']}" + (f" ({hints})" if hints else "")
