"""Rate limiter for requests to Bynder, shared by all processes on this machine.

The portal counts a request at an unknown moment between its sending and its answer. So a
permit counts as "now" while its request is in flight and gets its time when the answer arrives; with
that, no window of the portal's contains more requests than we allow ourselves. After a 429 nothing is sent
for a whole window, because requests during a block prolong it.

Times are those of the machine's boot clock, which is never set. After a restart of the machine all
earlier requests count as of now, which is the safe assumption.

Source: Bynder's help centre, "rate limiting": 4,500 requests in any 5 minutes by source address.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs
import platformdirs

from damlink._http.pace_file import PaceFile
from damlink._system.process import age_clock, boot_id, is_alive
from damlink._system.waiting import Verify, hold, verify_nothing, wait
from damlink.errors import LeaseLostError, StateError, StoppedError

__all__ = ["Budget", "Pace", "default_path"]

# Longer than every timeout of ours: such a request has ended.
LONGEST_FLIGHT_SECONDS: Final = 900.0
# The portal's clock may differ from ours.
SILENCE_MARGIN_SECONDS: Final = 1.0
# A thread that wakes late may catch up so many intervals, so that no budget is lost.
CATCH_UP_INTERVALS: Final = 3
_log = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS permit (
    id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, sent REAL NOT NULL, answered REAL);
CREATE INDEX IF NOT EXISTS permit_answered ON permit (answered);
CREATE TABLE IF NOT EXISTS gate (id INTEGER PRIMARY KEY CHECK (id = 1), next_at REAL, silent_until REAL);
INSERT OR IGNORE INTO gate VALUES (1, 0, 0);
CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY CHECK (id = 1), boot TEXT NOT NULL);
SELECT pid, sent, answered, next_at, silent_until FROM permit, gate LIMIT 1;
"""


def default_path() -> Path:
    """Return the path of the shared file: in `DAMLINK_STATE_DIR`, or in the user's state folder."""
    folder = os.environ.get("DAMLINK_STATE_DIR") or platformdirs.user_state_dir("damlink", appauthor=False)
    return Path(folder) / "pace.db"


@attrs.frozen
class Budget:
    """State of the rate limiter: requests allowed and used in the window, and seconds of silence left."""

    allowed: int
    used: int
    window_seconds: float
    silent_seconds: float


class Pace:
    """Rate limiter that gives permits for requests to Bynder, shared by every run on this machine.

    Args:
        path: the shared file.
        requests: how many Bynder allows in a window.
        seconds: the window's length.
        share: the fraction of them that Damlink uses.
        on_hold: called with the seconds before each wait, for the progress display.
        clock: returns seconds, the same in every process of this machine.

    Raises:
        StateError: the file cannot be used. A damaged file is renamed, and a new one begins with
            a whole window of silence.
    """

    def __init__(
        self,
        path: Path,
        requests: int = 4500,
        seconds: float = 300.0,
        share: float = 0.8,
        on_hold: Callable[[float], None] | None = None,
        clock: Callable[[], float] = age_clock,
    ) -> None:
        self.allowed = max(1, int(requests * share))
        self.seconds = seconds
        self.on_hold = on_hold or (lambda _seconds: None)
        self._interval = seconds / self.allowed
        self._turn = threading.Lock()  # one thread of a process polls, the others wait for the lock
        self._clock = clock
        self._file = PaceFile(path, self._prepare)

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
            self._settle(number, "DELETE FROM permit WHERE id = :number")
            raise
        except BaseException:
            self._settle(number, "UPDATE permit SET answered = :now WHERE id = :number")
            raise
        self._settle(number, "UPDATE permit SET answered = :now WHERE id = :number")

    def silence(self) -> None:
        """Send nothing from this machine for a whole window, because the portal answered 429."""
        _log.warning("the portal answered 429: nothing is sent to it for %.0f s", self.seconds)
        self._file.run(self._silence)

    def budget(self) -> Budget:
        """Return the current state of the rate limiter."""

        def read(database: sqlite3.Connection) -> Budget:
            now = self._clock()
            (silent_until,) = database.execute("SELECT silent_until FROM gate").fetchone()
            used = self._count_used(database, now)
            return Budget(self.allowed, used, self.seconds, max(0.0, silent_until - now))

        return self._file.run(read)

    def close(self) -> None:
        """Close the shared file."""
        self._file.close()

    def _prepare(self, database: sqlite3.Connection, lost: bool) -> None:
        """Create the tables. Begin in silence if their content was lost, or after a 429 before a restart."""
        for statement in _SCHEMA.split(";"):
            database.execute(statement)
        if lost:
            self._silence(database)
        boot = database.execute("SELECT boot FROM clock").fetchone()
        if boot != (boot_id(),):
            self._rebase(database)
            database.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (boot_id(),))

    def _rebase(self, database: sqlite3.Connection) -> None:
        """Set the times of an earlier boot clock to now, which is the safe assumption."""
        now = self._clock()
        (latest,) = database.execute("SELECT max(max(sent, coalesce(answered, sent))) FROM permit").fetchone()
        if latest is None:
            return
        (silent_until,) = database.execute("SELECT silent_until FROM gate").fetchone()
        database.execute("DELETE FROM permit WHERE answered <= ?", (latest - self.seconds,))
        database.execute("UPDATE permit SET sent = ?1, answered = ?1", (now,))
        database.execute("UPDATE gate SET next_at = 0, silent_until = 0")
        if silent_until > latest:  # a silence may not have been over
            self._silence(database)

    def _silence(self, database: sqlite3.Connection) -> None:
        until = self._clock() + self.seconds + SILENCE_MARGIN_SECONDS
        database.execute("UPDATE gate SET silent_until = max(silent_until, ?)", (until,))

    def _settle(self, number: int, statement: str) -> None:
        """Store the end of a permit. A failure is only logged, so that no answer is lost."""
        values = {"now": self._clock(), "number": number}
        try:
            self._file.run(lambda database: database.execute(statement, values))
        except StateError as error:
            _log.warning("the pace counts a request for longer than it should: %s", error)

    def _acquire(self, verify: Verify) -> int:
        with hold(self._turn, verify):
            while True:
                number, seconds = self._file.run(self._try, verify)
                if number is not None:
                    return number
                self.on_hold(seconds)
                wait(min(seconds, 1.0), verify)

    def _try(self, database: sqlite3.Connection) -> tuple[int | None, float]:
        now = self._clock()
        seconds = self._wait(database, now)
        if seconds > 0:
            return None, seconds
        database.execute(
            "UPDATE gate SET next_at = max(next_at, ?) + ?",
            (now - CATCH_UP_INTERVALS * self._interval, self._interval),
        )
        database.execute("DELETE FROM permit WHERE answered <= ?", (now - 2 * self.seconds,))
        insert = "INSERT INTO permit (pid, sent) VALUES (?, ?)"
        return database.execute(insert, (os.getpid(), now)).lastrowid, 0.0

    def _wait(self, database: sqlite3.Connection, now: float) -> float:
        next_at, silent_until = self._gate(database, now)
        seconds = max(next_at, silent_until) - now
        if seconds > 0:
            return seconds
        if self._count_used(database, now) < self.allowed:
            return 0.0
        self._release_stale_permits(database, now)
        if self._count_used(database, now) < self.allowed:
            return 0.0
        return self._until_one_expires(database, now)

    def _gate(self, database: sqlite3.Connection, now: float) -> tuple[float, float]:
        """Return when the next request may be sent, and the end of the silence."""
        # A time in the far future comes from a clock that has moved back since: it must not block us.
        latest = (now + self._interval, now + self.seconds + SILENCE_MARGIN_SECONDS)
        limit = "UPDATE gate SET next_at = min(next_at, ?1), silent_until = min(silent_until, ?2)"
        database.execute(f"{limit} WHERE next_at > ?1 OR silent_until > ?2", latest)
        next_at, silent_until = database.execute("SELECT next_at, silent_until FROM gate").fetchone()
        return float(next_at), float(silent_until)

    def _count_used(self, database: sqlite3.Connection, now: float) -> int:
        counted = "SELECT count(*) FROM permit WHERE answered IS NULL OR answered > ?"
        (used,) = database.execute(counted, (now - self.seconds,)).fetchone()
        return int(used)

    def _until_one_expires(self, database: sqlite3.Connection, now: float) -> float:
        (oldest,) = database.execute(
            "SELECT min(answered) FROM permit WHERE answered > ?", (now - self.seconds,)
        ).fetchone()
        # All requests are in flight: an answer will come.
        if oldest is None:
            return self._interval
        return max(float(oldest) + self.seconds - now, 0.001)

    def _release_stale_permits(self, database: sqlite3.Connection, now: float) -> None:
        """Count the requests of dead processes, and those older than every timeout, as answered now."""
        over = "UPDATE permit SET answered = ? WHERE answered IS NULL AND "
        flying = database.execute("SELECT DISTINCT pid FROM permit WHERE answered IS NULL").fetchall()
        for (pid,) in flying:
            if not is_alive(pid):
                database.execute(f"{over} pid = ?", (now, pid))
        database.execute(f"{over} sent < ?", (now, now - LONGEST_FLIGHT_SECONDS))
        # The clock has moved back since.
        database.execute("UPDATE permit SET answered = ?1 WHERE answered > ?1", (now,))
