"""The log of Damlink as it was: a command sets it up for its own process, and here others log after it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

__all__ = ["restored_log"]


@contextlib.contextmanager
def restored_log() -> Iterator[None]:
    """Restore handlers, level and propagation of the loggers that a command changes."""
    logs = [logging.getLogger(name) for name in ("damlink", "damlink.serve")]
    kept = [(log.handlers[:], log.propagate, log.level) for log in logs]
    try:
        yield
    finally:
        for log, (handlers, propagate, level) in zip(logs, kept, strict=True):
            log.handlers[:], log.propagate = handlers, propagate
            log.setLevel(level)
