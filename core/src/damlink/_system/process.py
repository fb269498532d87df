"""Identity of this process, and liveness of other ones."""

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
    """Return machine, process number and start time of this process as one word."""
    return f"{socket.gethostname()}/{os.getpid()}/{_STARTED}"


def is_alive(pid: int) -> bool:
    """Return whether a process with this number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it exists and belongs to another user
        return True
    return True


def is_gone(other: str) -> bool:
    """Return whether an owner was a process of this machine that has ended."""
    machine, pid = other.split("/")[:2]
    return machine == socket.gethostname() and not is_alive(int(pid))


def age_clock() -> float:
    """Return seconds on a monotonic clock that also runs while the process or machine is suspended."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@functools.cache
def boot_id() -> str:
    """Return an id of this start of the machine; empty if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def holders(*paths: Path) -> list[int]:
    """Return the other processes with a lock on one of these files, as far as the system shows them."""
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
    """Defer SIGINT and SIGTERM until the end of the block.

    Signals interrupt only the main thread: in any other thread this does nothing.
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
    """Return whether an exception is Ctrl-C, which Python raises only in the main thread."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()
