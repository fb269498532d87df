"""Which process this is, and whether another is still alive."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

__all__ = [
    "age_clock",
    "boot_id",
    "defer_signals",
    "holders",
    "is_alive",
    "is_gone",
    "is_interrupt",
    "owner",
]

_STARTED = int(time.time())


def owner() -> str:
    """This machine, process and its start, as one word."""
    return f"{socket.gethostname()}/{os.getpid()}/{_STARTED}"


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and not ours
        return True
    return True


def is_gone(other: str) -> bool:
    """Whether an owner was a process of this machine that has ended."""
    machine, pid = other.split("/")[:2]
    return machine == socket.gethostname() and not is_alive(int(pid))


def age_clock() -> float:
    """Seconds on a clock that nobody sets and that goes on while the process or machine is suspended."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@functools.cache
def boot_id() -> str:
    """Return what tells this start of the machine from every other; empty where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def holders(*paths: Path) -> list[int]:
    """Return the other processes that hold a lock on one of these files, as far as the system tells."""
    inodes = {str(path.stat().st_ino) for path in paths if path.exists()}
    try:
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    locks = (line.replace("->", "").split() for line in lines)
    found = {int(lock[4]) for lock in locks if lock[5].rpartition(":")[2] in inodes}
    return sorted(found - {os.getpid(), 0})


@contextlib.contextmanager
def defer_signals() -> Iterator[None]:
    """Put SIGINT and SIGTERM off until the end: what is done within must not be cut in two.

    Only the main thread is ever interrupted; in any other this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    earlier = {each: signal.signal(each, lambda *given: caught.append(given)) for each in numbers}
    try:
        yield
    finally:
        for each, handler in earlier.items():
            signal.signal(each, signal.SIG_DFL if handler is None else handler)
        for number, _frame in caught[:1]:
            signal.raise_signal(number)


def is_interrupt(error: BaseException) -> bool:
    """Return whether an exception is Ctrl-C, which Python raises in the main thread alone."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()
