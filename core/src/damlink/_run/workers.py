"""The threads of a run. They cannot keep a process alive: a hook that never returns blocks its thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from damlink._plugin.under_way import describe_hanging

__all__ = ["Workers"]

# How soon a stop is seen that no thread reports.
LOOK_SECONDS: Final = 1.0

_log = logging.getLogger("damlink.run")


class Workers:
    """Threads that are waited for until the run is stopped, and then for a bounded time.

    Args:
        name: of the connector.
        is_stopped: whether the threads have been asked to end.
        grace: seconds that they may take for it.
    """

    def __init__(self, name: str, is_stopped: Callable[[], bool], grace: float) -> None:
        self._name, self._is_stopped, self._grace = name, is_stopped, grace
        self._ended = threading.Condition()
        self._active = self._started = 0
        self._errors: list[BaseException] = []

    def start(self, work: Callable[[], None]) -> None:
        """Start one thread."""
        name = f"{self._name}_{self._started}"
        thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
        with self._ended:
            self._started += 1
            self._active += 1
        thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the thread that waits raises it
            self._errors.append(error)
        finally:
            with self._ended:
                self._active -= 1
                self._ended.notify_all()

    def wait(self) -> bool:
        """Wait for the threads, and return whether they have ended.

        Raises:
            BaseException: the first one that a thread raised.
        """
        deadline: float | None = None
        with self._ended:
            while self._active:
                if deadline is None and self._is_stopped():
                    deadline = time.monotonic() + self._grace
                    self._announce()
                left = LOOK_SECONDS if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    return False
                self._ended.wait(min(left, LOOK_SECONDS))
        if self._errors:
            raise self._errors[0]
        return True

    def _announce(self) -> None:
        if self._grace and (hooks := describe_hanging(self._name)):
            _log.warning(
                "%s: waiting up to %.0f s for %d hook%s under way; a second Ctrl-C ends the run at once",
                self._name,
                self._grace,
                len(hooks),
                "s" * (len(hooks) > 1),
            )
