"""Interface between the server and the services that run in the background of its process."""

from __future__ import annotations

from typing import Protocol

__all__ = ["BackgroundService"]


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
