"""Which process this is, and whether another is still alive."""

from __future__ import annotations

import os
import socket
import time

__all__ = ["age_clock", "is_alive", "is_gone", "owner"]

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
