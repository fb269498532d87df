"""Interface between the server and the services that run in the background of its process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

__all__ = ["BackgroundService", "OneThread"]


class BackgroundService(Protocol):
    """A part of the process with its own threads, such as the dispatcher of events or the schedule."""

    def start(self) -> None:
        """Start the threads, and return at once."""

    def stop(self) -> None:
        """Ask the threads to end, and return at once. Work under way finishes or keeps its checkpoint."""

    def join(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the end of the threads, and return whether they have ended."""

    @property
    def is_alive(self) -> bool:
        """True while the threads run; else `/readyz` answers that the process is not ready."""


class OneThread:
    """Base of the background services that have one thread, and end by a `stop` of their own.

    Args:
        run: the work of the thread.
        keeps_process: whether the process ends only after the thread.
    """

    def __init__(self, name: str, run: Callable[[], None], *, keeps_process: bool = False) -> None:
        self._thread = threading.Thread(target=run, name=name, daemon=not keeps_process)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Wait for the end of the thread, and return whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """True while the thread runs."""
        return self._thread.is_alive()
