"""How fast requests leave this machine for Bynder: one account for all processes on it.

The portal counts a request at a moment we do not know, between its sending and its answer. So a
permit counts as "now" while its request is in flight and is stamped when the answer arrives; with
that, no window of the portal's can hold more than we allow ourselves. After a 429 everything is
silent for a whole window, because requests during a block prolong it.

Source: Bynder's help centre, "rate limiting": 4,500 requests in any 5 minutes by source address.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs
import platformdirs

from damlink._process import is_alive

__all__ = ["Budget", "Pace", "default_path"]

LONGEST_FLIGHT_SECONDS: Final = 900.0  # beyond every time-out of ours: such a request is over
SILENCE_MARGIN_SECONDS: Final = 1.0  # the portal's clock is not ours
CATCH_UP_INTERVALS: Final = 3  # a late waker may make up for so many intervals, so that no budget is lost
_log = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS permit (
    id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, sent REAL NOT NULL, answered REAL);
CREATE INDEX IF NOT EXISTS permit_answered ON permit (answered);
CREATE TABLE IF NOT EXISTS gate (id INTEGER PRIMARY KEY CHECK (id = 1), next_at REAL, silent_until REAL);
INSERT OR IGNORE INTO gate VALUES (1, 0, 0);
"""


def default_path() -> Path:
    """Where the account is kept: `DAMLINK_STATE_DIR`, else the user's state folder of this machine."""
    folder = os.environ.get("DAMLINK_STATE_DIR") or platformdirs.user_state_dir("damlink", appauthor=False)
    return Path(folder) / "pace.db"


@attrs.frozen
class Budget:
    """Where the pace stands: requests allowed and used in the window, and seconds of silence left."""

    allowed: int
    used: int
    window_seconds: float
    silent_seconds: float


class Pace:
    """Permits for requests to Bynder, shared by every run on this machine.

    Args:
        path: the account's file.
        requests: how many Bynder allows in a window.
        seconds: the window's length.
        share: the part of it that is ours.
        on_hold: told the seconds before each wait, for the progress display.
    """

    def __init__(
        self,
        path: Path,
        requests: int = 4500,
        seconds: float = 300.0,
        share: float = 0.8,
        on_hold: Callable[[float], None] | None = None,
    ) -> None:
        self.allowed = max(1, int(requests * share))
        self.seconds = seconds
        self.on_hold = on_hold or (lambda _seconds: None)
        self._interval = seconds / self.allowed
        self._turn = threading.Lock()  # one waiter a process: the others need not poll
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
        # No fsync: after a power cut the portal has forgotten us sooner than the machine is up again.
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("PRAGMA journal_mode = WAL")
        with self._transaction() as database:
            for statement in _SCHEMA.split(";"):
                database.execute(statement)

    @contextlib.contextmanager
    def permit(self) -> Iterator[float]:
        """Hold a permit while one request is in flight; yields the seconds it was waited for."""
        began = time.monotonic()
        number = self._acquire()
        try:
            yield time.monotonic() - began
        finally:
            with self._transaction() as database:
                database.execute("UPDATE permit SET answered = ? WHERE id = ?", (time.time(), number))

    def silence(self) -> None:
        """The portal answered 429: nothing leaves this machine for a whole window."""
        _log.warning("the portal answered 429: nothing is sent to it for %.0f s", self.seconds)
        with self._transaction() as database:
            until = time.time() + self.seconds + SILENCE_MARGIN_SECONDS
            database.execute("UPDATE gate SET silent_until = max(silent_until, ?)", (until,))

    def budget(self) -> Budget:
        """Where the pace stands now."""
        now = time.time()
        with self._transaction() as database:
            used = self._used(database, now)
            (silent_until,) = database.execute("SELECT silent_until FROM gate").fetchone()
        return Budget(self.allowed, used, self.seconds, max(0.0, silent_until - now))

    def _acquire(self) -> int:
        with self._turn:
            while True:
                number, wait = self._try()
                if number is not None:
                    return number
                self.on_hold(wait)
                time.sleep(min(wait, 1.0))

    def _try(self) -> tuple[int | None, float]:
        with self._transaction() as database:
            now = time.time()
            wait = self._wait(database, now)
            if wait > 0:
                return None, wait
            database.execute(
                "UPDATE gate SET next_at = max(next_at, ?) + ?",
                (now - CATCH_UP_INTERVALS * self._interval, self._interval),
            )
            database.execute("DELETE FROM permit WHERE answered <= ?", (now - 2 * self.seconds,))
            insert = "INSERT INTO permit (pid, sent) VALUES (?, ?)"
            return database.execute(insert, (os.getpid(), now)).lastrowid, 0.0

    def _wait(self, database: sqlite3.Connection, now: float) -> float:
        next_at, silent_until = self._gate(database, now)
        wait = max(next_at, silent_until) - now
        if wait > 0:
            return wait
        if self._used(database, now) < self.allowed:
            return 0.0
        self._bury(database, now)
        if self._used(database, now) < self.allowed:
            return 0.0
        return self._until_one_expires(database, now)

    def _gate(self, database: sqlite3.Connection, now: float) -> tuple[float, float]:
        """When the next may leave, and the end of the silence; a clock that was set back must not hang us."""
        latest = (now + self._interval, now + self.seconds + SILENCE_MARGIN_SECONDS)
        set_back = "UPDATE gate SET next_at = min(next_at, ?1), silent_until = min(silent_until, ?2)"
        database.execute(f"{set_back} WHERE next_at > ?1 OR silent_until > ?2", latest)
        next_at, silent_until = database.execute("SELECT next_at, silent_until FROM gate").fetchone()
        return float(next_at), float(silent_until)

    def _used(self, database: sqlite3.Connection, now: float) -> int:
        counted = "SELECT count(*) FROM permit WHERE answered IS NULL OR answered > ?"
        (used,) = database.execute(counted, (now - self.seconds,)).fetchone()
        return int(used)

    def _until_one_expires(self, database: sqlite3.Connection, now: float) -> float:
        (oldest,) = database.execute(
            "SELECT min(answered) FROM permit WHERE answered > ?", (now - self.seconds,)
        ).fetchone()
        if oldest is None:  # all in flight: an answer will come
            return self._interval
        return max(float(oldest) + self.seconds - now, 0.001)

    def _bury(self, database: sqlite3.Connection, now: float) -> None:
        """A request whose process died, or that outlived every time-out, counts as answered now; and
        so does one of the future: the clock was set back.
        """
        over = "UPDATE permit SET answered = ? WHERE answered IS NULL AND "
        flying = database.execute("SELECT DISTINCT pid FROM permit WHERE answered IS NULL").fetchall()
        for (pid,) in flying:
            if not is_alive(pid):
                database.execute(f"{over} pid = ?", (now, pid))
        database.execute(f"{over} sent < ?", (now, now - LONGEST_FLIGHT_SECONDS))
        database.execute("UPDATE permit SET answered = ?1 WHERE answered > ?1", (now,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.rollback()
                raise
            self._database.commit()

    def close(self) -> None:
        """Let go of the account's file."""
        self._database.close()
