"""What works beside the server in the same process, as the server knows it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Worker"]


class Worker(Protocol):
    """Something with threads of its own: the dispatcher of events, the schedule."""

    def start(self) -> None:
        """Begin; returns at once."""

    def wake(self) -> None:
        """There is something new to do; cheap, from any thread."""

    def stop(self) -> None:
        """Ask it to end; returns at once. What is under way finishes or keeps its checkpoint."""

    def join(self, timeout: float) -> bool:
        """Wait until it has ended, for so many seconds at most; whether it has."""

    @property
    def is_alive(self) -> bool:
        """Whether it works; `/readyz` says no where it does not."""
