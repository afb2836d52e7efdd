"""The TypeScript engine in an embedded V8: one per process, made when it is first needed."""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import threading
from importlib.resources import files
from typing import Any, Callable, TypeVar, Union

import numpy as np

from .errors import TransformError

T = TypeVar("T")


class Engine:
    """Calls the engine. Hold ``lock`` from writing into ``buffer`` until its result is read."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # Apart from a running event loop, as a notebook has one: V8's answers would wait for the cell to end.
        self._racer = _in_thread(_load)
        self._call = self._racer.eval("slipway.call")
        self._allocate = self._racer.eval("slipway.allocate")
        self._buffer = np.empty(0, np.uint8)

    def call(self, command: str, **argument: Any) -> Any:
        """Runs a command of ``python/engine/engine.ts``; raises its TransformError."""
        try:
            text = json.dumps(argument, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TransformError("TRANSFORM_INVALID", f"This is not JSON: {error}") from error
        with self.lock:
            answer = json.loads(self._call(command, text))
        if "error" in answer:
            raise TransformError(**answer["error"])
        return answer.get("result")

    def close(self) -> None:
        with self.lock:
            del self._call, self._allocate, self._buffer
            self._racer.close()

    def buffer(self, size: int) -> np.ndarray:
        """At least ``size`` bytes that both sides see; what was taken before is no longer to be used."""
        if size > len(self._buffer):
            self._buffer = np.frombuffer(self._allocate(size), np.uint8)
        return self._buffer


def engine() -> Engine:
    """The engine of this process. V8's threads do not survive a fork: a child of a process that used it has none."""
    global _engine
    with _making:
        if _engine is False:
            raise TransformError(
                "INTERNAL",
                "This process was forked from one that had used slipway, and the engine cannot follow. Start workers "
                "with multiprocessing's spawn or forkserver (joblib's default does), or fork before the first use",
            )
        if _engine is None:
            _engine = Engine()
            atexit.register(_close)
        return _engine


_engine: Union[Engine, bool, None] = None
_making = threading.Lock()


def _close() -> None:
    """While Python still runs: V8 calls back when it is freed, and would wait for ever after that."""
    global _engine
    if isinstance(_engine, Engine):
        _engine.close()
        _engine = None


def _after_fork() -> None:
    global _engine, _making
    _making = threading.Lock()
    if isinstance(_engine, Engine):
        # Never freed: that would wait for threads that are not there.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(_engine))
        _engine = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _load() -> Any:
    from py_mini_racer import MiniRacer

    source = files("slipway").joinpath("engine.js")
    if not source.is_file():
        raise ImportError("slipway/engine.js is not there: run `npm run build` in the root of the repository")
    racer = MiniRacer()
    racer.eval(source.read_text(encoding="utf-8"))
    return racer


def _in_thread(make: Callable[[], T]) -> T:
    made: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            made.append(make())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]
