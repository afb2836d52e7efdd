"""The packages that a model's files ask for, and which of them this interpreter has. Standard library only."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FILES = ("requirements.txt", "python_env.yaml", "conda.yaml")
_DEPTH = 10
#: Distributions that bring the same modules under another name.
_STAND_INS = {
    "mlflow": ("mlflow-skinny",),
    "xgboost": ("xgboost-cpu",),
    "tensorflow": ("tensorflow-cpu",),
    "opencv-python": ("opencv-python-headless",),
    "psycopg2": ("psycopg2-binary",),
    "onnxruntime": ("onnxruntime-gpu",),
}
_NAME = re.compile(r"^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)$")
#: An option, an address or a path in the place of a package's name.
_PLACE = re.compile(r"^(-|\w+:|\.|/|\S+\.(whl|tar\.gz|zip)$|\S+/)")
_HASH = re.compile(r"\s+--hash[= ]\S+")


class RequirementsUnreadable(Exception):
    """A file of requirements that cannot be followed; the message names it."""


@dataclass
class Requirements:
    """What the files ask for, as one list of lines in pip's format."""

    #: The files that were read, relative to the model; empty where it has none.
    sources: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    #: The version of Python that the model was saved with, where a file says it.
    python: str | None = None
    #: What only conda installs.
    of_conda: list[str] = field(default_factory=list)


@dataclass
class Findings:
    """Packages by what is found of them: each as package, wanted and found."""

    missing: list[dict[str, str | None]] = field(default_factory=list)
    #: Of another version than is asked for.
    different: list[dict[str, str | None]] = field(default_factory=list)
    #: Lines that name a place and no version: addresses, paths.
    unchecked: list[str] = field(default_factory=list)


def read_requirements(folder: Path) -> Requirements:
    """The model's requirements.txt, or else its python_env.yaml, or the pip part of its conda.yaml."""
    found = Requirements()
    environment = folder / "python_env.yaml"
    if environment.is_file():
        found.python = _python_of(environment.read_text("utf-8", "replace"))
    name = next((name for name in _FILES if (folder / name).is_file()), None)
    if name is None:
        return found
    if name == "requirements.txt":
        _read_file(folder, folder / name, found, 0)
        return found
    found.sources.append(name)
    text = (folder / name).read_text("utf-8", "replace")
    lines = _yaml_list(text, "dependencies") if name == "python_env.yaml" else _conda_lines(text, found)
    for line in lines:
        _take(folder, folder / name, line, found, 0)
    return found


def _read_file(folder: Path, file: Path, found: Requirements, depth: int) -> None:
    inside = folder.resolve() in file.resolve().parents
    if depth > _DEPTH or not inside or not file.is_file():
        reason = "nests too deep" if depth > _DEPTH else "is not among the files of the model"
        raise RequirementsUnreadable(f"{file.name} {reason}")
    name = file.resolve().relative_to(folder.resolve()).as_posix()
    if name in found.sources:
        return
    found.sources.append(name)
    text = re.sub(r"\\\r?\n", "", file.read_text("utf-8-sig", "replace"))
    for line in text.splitlines():
        _take(folder, file, line, found, depth)


def _take(folder: Path, file: Path, line: str, found: Requirements, depth: int) -> None:
    line = re.sub(r"(^|\s+)#.*$", "", line).strip()
    if not line:
        return
    option = re.match(r"^(?:-r|--requirement|-c|--constraint)(?:\s+|=)?(.+)$", line)
    if option is None:
        found.lines.append(line)
    elif line.startswith(("-r", "--requirement")):
        _read_file(folder, file.parent / option[1].strip(), found, depth + 1)


def _python_of(text: str) -> str | None:
    match = re.search(r"^python:\s*['\"]?([0-9][0-9.]*)", text, re.MULTILINE)
    return match[1] if match else None


def _yaml_list(text: str, key: str) -> list[str]:
    """The list of texts below a key, which is all that python_env.yaml has."""
    members: list[str] = []
    inside = False
    for line in text.splitlines():
        if re.match(rf"^{key}\s*:", line):
            inside = True
        elif inside and re.match(r"^\s*-\s+", line):
            members.append(_unquoted(re.sub(r"^\s*-\s+", "", line)))
        elif line.strip() and not line.lstrip().startswith("#"):
            inside = False
    return members


def _conda_lines(text: str, found: Requirements) -> list[str]:
    lines: list[str] = []
    pip_indent: int | None = None
    for line in text.splitlines():
        match = re.match(r"^(\s*)-\s+(.*)$", line)
        if match is None:
            pip_indent = None if line.strip() else pip_indent
            continue
        indent, member = len(match[1]), _unquoted(match[2])
        if re.match(r"^['\"]?pip['\"]?\s*:\s*$", member):
            pip_indent = indent
        elif pip_indent is not None and indent > pip_indent:
            lines.append(member)
        else:
            pip_indent = None
            python = re.match(r"^python\s*=+\s*([0-9][0-9.]*)", member)
            if python is not None:
                found.python = found.python or python[1]
            elif not re.match(r"^(pip|python)\b", member) and _is_dependency(text, member):
                found.of_conda.append(member)
    return lines


def _is_dependency(text: str, member: str) -> bool:
    return any(_unquoted(each) == member for each in _yaml_list(text, "dependencies"))


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def check(lines: Iterable[str], optional: Iterable[str] = ()) -> Findings:
    """What of the lines is installed here. A package in `optional` is not missed."""
    findings = Findings()
    passed_over = {canonical(name) for name in optional}
    for line in lines:
        if line.startswith("--"):
            continue
        if _PLACE.search(line):
            findings.unchecked.append(line)
            continue
        requirement = _parse(_HASH.sub("", line))
        if requirement is None:
            findings.unchecked.append(line)
        elif requirement.applies:
            _find(requirement, passed_over, findings)
    return findings


@dataclass(frozen=True)
class _Requirement:
    name: str
    #: As written: `==1.5.0`, `<2,>=1.4`; empty for any version.
    specifier: str
    applies: bool
    allows: Callable[[str], bool]


def _find(requirement: _Requirement, passed_over: set[str], findings: Findings) -> None:
    found = _installed(requirement.name)
    fact = {"package": requirement.name, "wanted": requirement.specifier or None, "found": found}
    if found is None:
        if canonical(requirement.name) not in passed_over:
            findings.missing.append(fact)
    elif not requirement.allows(found) and not _is_same_minor(requirement.specifier, found):
        findings.different.append(fact)


def _installed(name: str) -> str | None:
    for each in (name, *_STAND_INS.get(canonical(name), ())):
        try:
            return importlib.metadata.version(each)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def canonical(name: str) -> str:
    """A package's name as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_same_minor(specifier: str, found: str) -> bool:
    """Whether a pin and what is there differ in what comes after the minor version at most."""
    pin = re.match(r"^={2,3}\s*(\d+(?:\.\d+)*)[^,]*$", specifier)
    here = re.match(r"^(\d+(?:\.\d+)*)", found)
    if pin is None or here is None:
        return False
    return (pin[1].split(".") + ["0"])[:2] == (here[1].split(".") + ["0"])[:2]


def _parse(line: str) -> _Requirement | None:
    packaging = _packaging()
    if packaging is None:
        return _parse_plainly(line)
    try:
        parsed = packaging(line)
    except ValueError:
        return None
    applies = parsed.marker is None or parsed.marker.evaluate({"extra": ""})
    return _Requirement(
        parsed.name, str(parsed.specifier), applies, lambda found: parsed.specifier.contains(found, prereleases=True)
    )


def _packaging() -> Callable[[str], Any] | None:
    """The parser of `packaging`, of its own or out of pip."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        try:
            from pip._vendor.packaging.requirements import Requirement
        except ImportError:
            return None
    return Requirement


def _parse_plainly(line: str) -> _Requirement | None:
    """For an interpreter without either: names and comparisons of versions, and markers of version and platform."""
    text, _, marker = line.partition(";")
    match = _NAME.match(text.strip())
    if match is None:
        return None
    specifier = "" if match[2].startswith("@") else match[2].strip().strip("()").replace(" ", "")
    return _Requirement(match[1], specifier, _marker_holds(marker), lambda found: _allows(specifier, found))


def _allows(specifier: str, found: str) -> bool:
    return all(_compare(clause, found) for clause in specifier.split(",") if clause)


def _compare(clause: str, found: str) -> bool:
    match = re.match(r"^(===|==|!=|<=|>=|<|>|~=)(\d+(?:\.\d+)*)(\.\*)?", clause)
    if match is None:
        return True
    operator, wanted, prefix = match[1], _release(match[2]), match[3] is not None
    here = _release(found)
    if prefix or operator == "~=":
        same = here[: len(wanted) - (0 if prefix else 1)] == wanted[: len(wanted) - (0 if prefix else 1)]
        return {"==": same, "!=": not same, "~=": same and here >= wanted}.get(operator, True)
    size = max(len(here), len(wanted))
    here, wanted = (here + [0] * size)[:size], (wanted + [0] * size)[:size]
    results = {"==": here == wanted, "===": here == wanted, "!=": here != wanted}
    results.update({"<": here < wanted, "<=": here <= wanted, ">": here > wanted, ">=": here >= wanted})
    return results[operator]


def _release(version: str) -> list[int]:
    match = re.match(r"^(\d+(?:\.\d+)*)", version)
    return [int(part) for part in match[1].split(".")] if match else []


def _marker_holds(marker: str) -> bool:
    """False where a plain comparison says so; what else a marker may say is taken to hold."""
    values: Mapping[str, str] = {
        "python_version": "{}.{}".format(*sys.version_info),
        "sys_platform": sys.platform,
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}.get(sys.platform, sys.platform),
    }
    if " or " in marker:
        return True
    for clause in marker.split(" and "):
        match = re.match(r"^\s*\(?(\w+)\s*([<>=!~]+)\s*['\"]([^'\"]*)['\"]\)?\s*$", clause)
        if match is None or match[1] not in values:
            continue
        value = values[match[1]]
        holds = (
            _compare(match[2] + match[3], value)
            if match[1] == "python_version"
            else {"==": value == match[3], "!=": value != match[3]}.get(match[2], True)
        )
        if not holds:
            return False
    return True
