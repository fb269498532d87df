"""Calls of `on_event`, each in a thread of its own: one that never returns holds up no other connector."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

from damlink._plugin.under_way import CURE, LONG_SECONDS
from damlink.errors import PluginBugError

__all__ = ["EventCalls"]

T = TypeVar("T")


@attrs.define
class _Outcome(Generic[T]):
    """Result of a call, or the error it raised; neither while it is under way."""

    given: list[T] = attrs.field(factory=list)
    error: BaseException | None = None

    def fill(self, call: Callable[[], T]) -> None:
        """Call, and keep what comes of it."""
        try:
            self.given.append(call())
        except BaseException as error:  # noqa: BLE001 - the thread that waits raises it
            self.error = error


class EventCalls:
    """The calls that may be under way, at most one for each connector.

    Args:
        longest_seconds: how long one is waited for.
    """

    def __init__(self, longest_seconds: float = LONG_SECONDS) -> None:
        self._longest_seconds = longest_seconds
        self._threads: dict[str, threading.Thread] = {}

    def call(self, connector: str, function: Callable[[], T]) -> T:
        """Return what a function returns, and leave it to itself if that takes too long.

        While one that was left is under way, its connector is not called. What it returns in the end is
        dropped: the event is delivered again.

        Raises:
            PluginBugError: it has not returned in time, or an earlier one still has not.
            Exception: the one that the function raises.
        """
        if self._is_under_way(connector):
            raise self._hanging(connector)
        outcome = _Outcome[T]()
        # A daemon, since it must not keep the process alive.
        thread = threading.Thread(
            target=outcome.fill, args=(function,), name=f"{connector}_event", daemon=True
        )
        self._threads[connector] = thread
        thread.start()
        thread.join(self._longest_seconds)
        if thread.is_alive():
            raise self._hanging(connector)
        if outcome.error is not None:
            raise outcome.error
        return outcome.given[0]

    def _is_under_way(self, connector: str) -> bool:
        thread = self._threads.get(connector)
        return thread is not None and thread.is_alive()

    def _hanging(self, connector: str) -> PluginBugError:
        what = f"on_event has not returned for more than {self._longest_seconds:.0f} s"
        return PluginBugError(f"{connector}: {what}", hint=CURE)
