"""What a worker may not do, set before anything of a model is read."""

from __future__ import annotations

import os
import resource
import signal
import threading

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def confine() -> None:
    """No core files, no new privileges, and, on Linux, no life after the server's; forked children end with their parent."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl = _prctl()
    if prctl is None:
        return

    parent: int | None = os.getppid()

    def note_parent() -> None:
        # The kernel means the thread that forked; only the main one lives as long as its process.
        nonlocal parent
        parent = os.getpid() if threading.get_native_id() == os.getpid() else None

    def end_with_parent() -> None:
        if parent is None:
            return
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            # It ended before the kernel was asked to tell.
            os._exit(1)

    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    end_with_parent()
    os.register_at_fork(before=note_parent, after_in_child=end_with_parent)


def bound_memory(limit: int | None) -> None:
    """Lets an allocation past the limit fail with MemoryError, so that a leak says where it was."""
    if limit is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))


def is_exhausted(limit: int | None) -> bool:
    """Whether less than a tenth of the memory is left."""
    if limit is None:
        return False
    try:
        bytearray(limit // 10)
    except MemoryError:
        return True
    return False


def end_group() -> None:
    """Ends this process and what it started."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _prctl():
    try:
        import ctypes

        return ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
