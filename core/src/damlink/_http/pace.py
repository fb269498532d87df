"""Rate limiter for requests to Bynder, shared by all processes on this machine.

The portal counts a request at an unknown moment between its sending and its answer. So a
permit counts as "now" while its request is in flight and gets its time when the answer arrives; with
that, no window of the portal's contains more requests than we allow ourselves. After a 429 nothing is sent
for a whole window, because requests during a block prolong it.

Times are those of the machine's boot clock, which is never set. After a restart of the machine all
earlier requests count as of now, which is the safe assumption.

The rule for when a request may be sent is in `permits`.

Source: Bynder's help centre, "rate limiting": 4,500 requests in any 5 minutes by source address.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from damlink._http.pace_file import PaceFile
from damlink._http.permits import Permits
from damlink._http.rate_limiter import Budget, RateLimiter
from damlink._system.process import age_clock
from damlink._system.state_folder import state_folder
from damlink._system.waiting import Verify, hold, verify_nothing, wait
from damlink.errors import LeaseLostError, StateError, StoppedError

__all__ = ["Pace", "default_path"]

# An answer is stored so late at most, unless nothing is sent.
LATEST_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)

T = TypeVar("T")


def default_path() -> Path:
    """Return the path of the shared file: in `DAMLINK_STATE_DIR`, or in the user's state folder."""
    return state_folder() / "pace.db"


class Pace(RateLimiter):
    """Rate limiter that gives permits for requests to Bynder, shared by every run on this machine.

    Args:
        path: the shared file; if not given, `pace.db` in `DAMLINK_STATE_DIR` or in the user's state folder,
            which every program of this user on this machine counts in.
        requests: how many Bynder allows in a window.
        seconds: the window's length.
        share: the fraction of them that Damlink uses.
        on_hold: called with the seconds before each wait, for the progress display.
        clock: returns seconds, the same in every process of this machine.
        urgent: its requests are for events or checks. A tenth of the requests is reserved for these from the
            first one until a window after the last, so that no other request makes them wait.

    Raises:
        StateError: the file cannot be used. A damaged file is renamed, and a new one begins with
            a whole window of silence.
    """

    def __init__(
        self,
        path: Path | None = None,
        requests: int = 4500,
        seconds: float = 300.0,
        share: float = 0.8,
        on_hold: Callable[[float], None] | None = None,
        clock: Callable[[], float] = age_clock,
        *,
        urgent: bool = False,
    ) -> None:
        self.allowed = max(1, int(requests * share))
        self.seconds = seconds
        self.on_hold = on_hold or (lambda _seconds: None)
        self._permits = Permits(self.allowed, seconds, urgent)
        self._turn = threading.Lock()  # one thread of a process polls, the others wait for the lock
        self._clock = clock
        # Requests in flight here, and answers that the file does not contain yet. Threads change both.
        self._flying: set[int] = set()
        self._answered: dict[int, float] = {}
        self._reserve_again = 0.0
        self._file = PaceFile(
            path or default_path(),
            lambda database, lost: self._permits.prepare(database, clock(), lost),
        )

    @contextlib.contextmanager
    def permit(self, verify: Verify = verify_nothing) -> Iterator[float]:
        """Hold a permit while one request is in flight; yield the seconds of waiting for it.

        If `verify` stops the request before it is sent, the permit is returned unused.

        Raises:
            StoppedError, LeaseLostError: raised by `verify` during the wait.
            StateError: the file cannot be used.
        """
        began = age_clock()
        number = self._acquire(verify)
        try:
            yield age_clock() - began
        except (StoppedError, LeaseLostError):
            self._settle(number, is_sent=False)
            raise
        except BaseException:
            self._settle(number)
            raise
        self._settle(number)

    def silence(self) -> None:
        """Send nothing from this machine for a whole window, because the portal answered 429."""
        _log.warning("the portal answered 429: nothing is sent to it for %.0f s", self.seconds)
        self._file.run(lambda database: self._permits.silence(database, self._clock()))

    def keep_reserve(self) -> None:
        """Keep the reserved tenth free although no urgent request is sent now; call this often."""
        if self._permits.urgent and (now := self._clock()) >= self._reserve_again:
            self._file.run(lambda database: self._permits.reserve(database, now))
            self._reserve_again = now + self.seconds / 4

    def budget(self) -> Budget:
        """Return the current state of the rate limiter."""

        def read(database: sqlite3.Connection) -> Budget:
            now = self._clock()
            used = self._permits.count_used(database, now)
            return Budget(self.allowed, used, self.seconds, self._permits.silent_seconds(database, now))

        return self._file.run(read)

    def close(self) -> None:
        """Close the shared file."""
        self._file.close()

    def _acquire(self, verify: Verify) -> int:
        with hold(self._turn, verify):
            while True:
                number, seconds = self._write(self._give, verify)
                if number is not None:
                    self._flying.add(number)
                    return number
                self.on_hold(seconds)
                wait(min(seconds, 1.0), verify)

    def _give(self, database: sqlite3.Connection) -> tuple[int | None, float]:
        return self._permits.give(database, self._clock())

    def _settle(self, number: int, *, is_sent: bool = True) -> None:
        """Store the end of a permit. A failure is only logged, so that no answer is lost.

        While other requests are in flight, the next transaction stores it: until then it counts as in flight.
        """
        self._flying.discard(number)
        now = self._clock()
        try:
            if not is_sent:
                self._write(lambda database: self._permits.take_back(database, number))
                return
            self._answered[number] = now
            if not self._flying or now - min(self._answered.values(), default=now) > LATEST_SECONDS:
                self._write(lambda _database: None)
        except StateError as error:
            _log.warning("the pace counts a request for longer than it should: %s", error)

    def _write(self, work: Callable[[sqlite3.Connection], T], verify: Verify = verify_nothing) -> T:
        """Call a function in a transaction that also stores the answers so far."""
        stored: dict[int, float] = {}

        def store_and_work(database: sqlite3.Connection) -> T:
            stored.update(self._answered)
            if stored:
                self._permits.end(database, stored)
            return work(database)

        result = self._file.run(store_and_work, verify)
        for number in stored:
            self._answered.pop(number, None)
        return result
