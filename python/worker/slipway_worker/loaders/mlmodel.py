"""The MLmodel file, as far as loading needs it, also where no YAML library is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slipway_worker.port import ModelUnreadable


def read_mlmodel(file: Path) -> dict[str, Any]:
    """The file as a mapping; without PyYAML its flavors only, in the form that MLflow writes them."""
    text = file.read_text("utf-8")
    try:
        import yaml
    except ImportError:
        return {"flavors": _flavors_of(text)}
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ModelUnreadable(f"MLmodel is not valid YAML: {error}") from error
    if not isinstance(read, dict) or not isinstance(read.get("flavors"), dict):
        raise ModelUnreadable("MLmodel names no flavors")
    return read


def _flavors_of(text: str) -> dict[str, Any]:
    """The block `flavors:` of block mappings and lists of plain scalars, which is all that MLflow puts there."""
    lines = text.splitlines()
    try:
        start = next(i for i, line in enumerate(lines) if line.rstrip() == "flavors:") + 1
    except StopIteration:
        raise ModelUnreadable("MLmodel names no flavors") from None
    block = []
    for line in lines[start:]:
        if line.strip() and not line.startswith((" ", "-")):
            break
        if line.strip() and not line.lstrip().startswith("#"):
            block.append(line)
    return _mapping(block, 0)[0]


def _mapping(lines: list[str], at: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    indent = _indent(lines[at]) if at < len(lines) else 0
    while at < len(lines) and _indent(lines[at]) == indent and not lines[at].lstrip().startswith("- "):
        key, _, rest = lines[at].strip().partition(":")
        at += 1
        if rest.strip():
            found[_scalar(key)] = _scalar(rest.strip())
        elif at < len(lines) and lines[at].lstrip().startswith("- ") and _indent(lines[at]) >= indent:
            members = []
            while at < len(lines) and lines[at].lstrip().startswith("- ") and _indent(lines[at]) >= indent:
                members.append(_scalar(lines[at].strip()[2:]))
                at += 1
            found[_scalar(key)] = members
        elif at < len(lines) and _indent(lines[at]) > indent:
            found[_scalar(key)], at = _mapping(lines, at)
        else:
            found[_scalar(key)] = None
    return found, at


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _scalar(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1]
    words = {"null": None, "~": None, "true": True, "false": False, "{}": {}, "[]": []}
    return words[text] if text in words else text
