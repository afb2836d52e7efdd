"""
`python -m slipway_worker.environments ROOT DIRECTORY`: the environment that the model in the directory asks for, made
below ROOT if it is not there. Prints JSON lines: `{"progress": …}`, and last `{"python": …}` or `{"failed": …}`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway_worker.requirements import RequirementsUnreadable, read_requirements

_TAIL = 30
_QUIET = ("--disable-pip-version-check", "--no-input")
_UV_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
}
_MARK = "slipway-environment.json"


class BuildFailed(Exception):
    """An installer's command failed; the message has the end of what it said."""


def ensure(root: Path, model: Path) -> Path:
    """
    The Python of the environment with what the model asks for. It is built beside and renamed, so that it is complete
    or not there; one process builds it while others that want the same wait.
    """
    requirements = read_requirements(model)
    if not requirements.sources:
        raise RequirementsUnreadable(
            "The model has no requirements.txt, python_env.yaml or conda.yaml to make an environment of: add one, or set "
            "python.environment: system"
        )
    name = _name_of(requirements.lines)
    final = root / name
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_complete(final):
        with _locked(root / f"{name}.lock"):
            if not _is_complete(final):
                _build(root, name, requirements.lines, model)
    return final / "bin" / "python"


def _name_of(lines: Sequence[str]) -> str:
    """Environments are told apart by what is asked for and by the interpreter that they are of."""
    interpreter = [platform.python_implementation(), platform.python_version(), platform.machine(), sys.base_prefix]
    return hashlib.sha256("\n".join([*interpreter, *lines]).encode()).hexdigest()[:32]


def _is_complete(folder: Path) -> bool:
    # The interpreter is a link to the one that the environment was made of, which may be gone.
    return (folder / _MARK).is_file() and (folder / "bin" / "python").exists()


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Holds a lock that the system gives back when this process ends, however it ends."""
    with file.open("w") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(progress="another process is making this environment; waiting for it")
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _build(root: Path, name: str, lines: Sequence[str], model: Path) -> None:
    for left in root.glob(f"{name}.building-*"):
        shutil.rmtree(left, ignore_errors=True)
    shutil.rmtree(root / name, ignore_errors=True)
    building = root / f"{name}.building-{os.getpid()}"
    try:
        _install(building, lines, model)
        mark = {"python": platform.python_version(), "requirements": list(lines)}
        (building / _MARK).write_text(json.dumps(mark, indent=1), "utf-8")
        building.rename(root / name)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _install(building: Path, lines: Sequence[str], model: Path) -> None:
    uv = shutil.which("uv")
    python = str(building / "bin" / "python")
    if uv is not None:
        _run([uv, "venv", "--python", sys.executable, str(building)], building.parent)
        install = [uv, "pip", "install", "--python", python]
    elif _pip_of_other_environments():
        _run([sys.executable, "-m", "venv", "--without-pip", str(building)], building.parent)
        install = [sys.executable, "-m", "pip", "--python", python, "install", *_QUIET]
    else:
        _run([sys.executable, "-m", "venv", str(building)], building.parent)
        install = [python, "-m", "pip", "install", *_QUIET]
    wanted = building / "requirements.txt"
    wanted.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    # In the folder of the model, where paths among the requirements lead.
    _run([*install, "-r", str(wanted)], model, {} if uv is None else _settings_for_uv())


def _settings_for_uv() -> dict[str, str]:
    """Where pip's own settings say that packages come from: uv reads nothing of them."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, errors="replace", check=False
    )
    settings = dict(re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listed.stdout, re.MULTILINE))
    for name, value in os.environ.items():
        if name.startswith("PIP_"):
            settings[name[4:].lower().replace("_", "-")] = value
    return {
        variable: settings[setting]
        for setting, variable in _UV_SETTINGS.items()
        if setting in settings and variable not in os.environ
    }


def _pip_of_other_environments() -> bool:
    """Whether this interpreter's pip installs into other environments, which spares them one of their own."""
    try:
        major, minor = importlib.metadata.version("pip").split(".")[:2]
    except importlib.metadata.PackageNotFoundError:
        return False
    return (int(major), int(minor)) >= (22, 3)


def _run(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> None:
    said: deque[str] = deque(maxlen=_TAIL)
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.rstrip())
            _say(progress=line.rstrip())
        code = process.wait()
    finally:
        process.kill()
        process.wait()
    if code != 0:
        words = [Path(command[0]).name, *(part for part in command[1:] if part in ("venv", "pip", "install"))]
        raise BuildFailed(f"{' '.join(words)} ended with {code}:\n" + "\n".join(said))


def _say(**message: Any) -> None:
    print(json.dumps(message), flush=True)


def _stop(_signal: int, _frame: Any) -> None:
    sys.exit(1)


def main(arguments: Sequence[str]) -> int:
    """The program; ends with 1 where there is no environment."""
    signal.signal(signal.SIGTERM, _stop)
    root, model = (Path(argument).resolve() for argument in arguments)
    try:
        _say(python=str(ensure(root, model)))
        return 0
    except (RequirementsUnreadable, BuildFailed, OSError) as error:
        _say(failed=str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
