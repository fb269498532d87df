"""The hooks that are under way in this process, so that one that never returns can be named."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

__all__ = ["LONG_SECONDS", "Call", "calling", "describe_hanging", "find_call", "warn_of_long_calls"]

# A hook that takes longer is logged once. A film may take longer to upload, so it is no error.
LONG_SECONDS: Final = 600.0
CURE: Final = (
    "kill -9 of this process is safe: the next run resumes what is under way; "
    "report it to the plugin's author"
)

_log = logging.getLogger("damlink.connector")
# To add and to remove a key is one step each, which no other thread sees half.
_under_way: dict[Call, int] = {}
"""Each call with the thread that makes it."""


class Call:
    """Record of the calls of one hook, one after the other; compared by identity."""

    __slots__ = ("_began", "_is_reported", "connector", "hook", "source_id")

    def __init__(self, connector: str, hook: str, source_id: str | None) -> None:
        self.connector, self.hook, self.source_id = connector, hook, source_id
        self._began, self._is_reported = 0.0, False

    def begin(self) -> None:
        """Note that foreign code is called."""
        self._began = time.monotonic()
        _under_way[self] = threading.get_ident()

    def end(self) -> None:
        """Note that it has returned."""
        _under_way.pop(self, None)

    @property
    def seconds(self) -> float:
        """For how long it has been under way."""
        return time.monotonic() - self._began

    def __str__(self) -> str:
        asset = f" of asset {self.source_id}" if self.source_id else ""
        since = datetime.fromtimestamp(time.time() - self.seconds, UTC)
        return (
            f"{self.connector}: {self.hook}{asset} has not returned since {since:%Y-%m-%d %H:%M:%S} UTC "
            f"({self.seconds:.0f} s)"
        )

    def is_first_warning(self) -> bool:
        """Return whether it takes long and was not reported before."""
        is_due = self.seconds > LONG_SECONDS and not self._is_reported
        self._is_reported |= is_due
        return is_due


@contextlib.contextmanager
def calling(connector: str, hook: str, source_id: str | None) -> Iterator[None]:
    """Note a call of foreign code that is no hook."""
    call = Call(connector, hook, source_id)
    call.begin()
    try:
        yield
    finally:
        call.end()


def find_call() -> Call | None:
    """Return the innermost call that this thread is in; `None` in a thread of a plugin's own."""
    own = threading.get_ident()
    return next((call for call, thread in reversed([*_under_way.items()]) if thread == own), None)


def describe_hanging(connector: str | None = None) -> list[str]:
    """Return one line with the cure for each hook under way, of one connector or of all."""
    calls = [call for call in list(_under_way) if connector in (None, call.connector)]
    return [f"{call}; {CURE}" for call in calls]


def warn_of_long_calls() -> None:
    """Log each hook that takes longer than `LONG_SECONDS`, once."""
    for call in list(_under_way):
        if call.is_first_warning():
            _log.warning("%s; %s", call, CURE)
