"""Permits in the rate limiter's shared file, and the rule for when another one may be given.

* No window contains more permits than allowed. A permit counts as "now" while its request is in flight, and
  from then on as of the answer.
* While no more than half of the allowed permits is used, they are given at once; then they are spaced so
  that the rest lasts until used ones expire.
* A tenth is reserved for urgent requests, as long as a process reserves it: other requests leave it free,
  and urgent ones are neither spaced nor held up within it.

Every function here runs in a writing transaction of the file and takes the time, so that tests use a clock of
their own.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from typing import Final

import attrs

from damlink._system.process import boot_id, is_alive

__all__ = [
    "CATCH_UP_INTERVALS",
    "EXPIRING",
    "HASTE",
    "LONGEST_FLIGHT_SECONDS",
    "RESERVED_SHARE",
    "SILENCE_MARGIN_SECONDS",
    "Permits",
]

# Longer than every timeout of ours: such a request has ended.
LONGEST_FLIGHT_SECONDS: Final = 900.0
# The portal's clock may differ from ours.
SILENCE_MARGIN_SECONDS: Final = 1.0
# A thread that wakes late may catch up so many intervals, so that no budget is lost.
CATCH_UP_INTERVALS: Final = 3
RESERVED_SHARE: Final = 0.1
# The spacing considers the moments at which these fractions of the used permits expire.
EXPIRING: Final = (0.0, 0.05, 0.125, 0.25, 0.5, 0.75, 1.0)
# The later the moment, up to so much faster than for it: a pace that is never above the average could not
# make up for a thread that woke late, and the permits that it left free would stay so.
HASTE: Final = 0.1

# Earlier versions write to the same file: their tables stay as they are, and others are added.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS permit (
    id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, sent REAL NOT NULL, answered REAL);
CREATE INDEX IF NOT EXISTS permit_answered ON permit (answered);
CREATE TABLE IF NOT EXISTS gate (id INTEGER PRIMARY KEY CHECK (id = 1), next_at REAL, silent_until REAL);
INSERT OR IGNORE INTO gate VALUES (1, 0, 0);
CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY CHECK (id = 1), boot TEXT NOT NULL);
SELECT pid, sent, answered, next_at, silent_until FROM permit, gate LIMIT 1;
CREATE TABLE IF NOT EXISTS reserve (id INTEGER PRIMARY KEY CHECK (id = 1), until REAL NOT NULL);
INSERT OR IGNORE INTO reserve VALUES (1, 0);
"""
_STATE: Final = """
SELECT next_at, silent_until, until, (SELECT max(id) FROM permit) - (SELECT min(id) FROM permit) + 1
FROM gate, reserve
"""
_USED: Final = "FROM permit WHERE (answered IS NULL OR answered > ?)"


@attrs.frozen
class Permits:
    """Permits of one rate limiter.

    Attributes:
        allowed: how many a window may contain.
        seconds: the window's length.
        urgent: whether those given here are for urgent requests.
    """

    allowed: int
    seconds: float
    urgent: bool = False

    @property
    def reserved(self) -> int:
        """Number of permits that are reserved for urgent requests."""
        return int(self.allowed * RESERVED_SHARE)

    def prepare(self, database: sqlite3.Connection, now: float, lost: bool) -> None:
        """Create the tables. Begin in silence if their content was lost, or after a 429 before a restart."""
        for statement in _SCHEMA.split(";"):
            database.execute(statement)
        if not database.execute("SELECT 1 FROM pragma_table_info('permit') WHERE name = 'urgent'").fetchone():
            database.execute("ALTER TABLE permit ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0")
        if lost:
            self.silence(database, now)
        boot = database.execute("SELECT boot FROM clock").fetchone()
        if boot != (boot_id(),):
            self._rebase(database, now)
            database.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (boot_id(),))

    def give(self, database: sqlite3.Connection, now: float) -> tuple[int | None, float]:
        """Give a permit; return its number, or `None` and the seconds after which to ask again."""
        if self.urgent:
            self.reserve(database, now)
        seconds = self._wait(database, now)
        if seconds > 0:
            return None, seconds
        insert = "INSERT INTO permit (pid, sent, urgent) VALUES (?, ?, ?)"
        return database.execute(insert, (os.getpid(), now, self.urgent)).lastrowid, 0.0

    def end(self, database: sqlite3.Connection, answered: Mapping[int, float]) -> None:
        """Store when the requests of permits were answered."""
        ended = [(moment, number, os.getpid()) for number, moment in answered.items()]
        database.executemany("UPDATE permit SET answered = ? WHERE id = ? AND pid = ?", ended)

    def take_back(self, database: sqlite3.Connection, number: int) -> None:
        """Delete a permit whose request was never sent."""
        database.execute("DELETE FROM permit WHERE id = ? AND pid = ?", (number, os.getpid()))

    def reserve(self, database: sqlite3.Connection, now: float) -> None:
        """Reserve a tenth for urgent requests, from now on for a window."""
        until = "UPDATE reserve SET until = ?1 WHERE until < ?2 OR until > ?1"
        database.execute(until, (now + self.seconds, now + self.seconds / 2))

    def silence(self, database: sqlite3.Connection, now: float) -> None:
        """Give no permit for a whole window."""
        until = now + self.seconds + SILENCE_MARGIN_SECONDS
        database.execute("UPDATE gate SET silent_until = max(silent_until, ?)", (until,))

    def count_used(self, database: sqlite3.Connection, now: float) -> int:
        """Return how many permits the window up to now contains."""
        return self._count(database, now)[0]

    def silent_seconds(self, database: sqlite3.Connection, now: float) -> float:
        """Return the seconds until the end of a silence."""
        (until,) = database.execute("SELECT silent_until FROM gate").fetchone()
        return max(0.0, float(until) - now)

    # --- the rule ----------------------------------------------------------------------------------

    def _wait(self, database: sqlite3.Connection, now: float) -> float:
        """Return the seconds until a permit may be given."""
        next_at, silent_until, reserved_until, rows = database.execute(_STATE).fetchone()
        # A time in the far future comes from a clock that has moved back since: it must not block us.
        if next_at > now + self.seconds or silent_until > now + self.seconds + SILENCE_MARGIN_SECONDS:
            self._limit_gate(database, now)
            return self._wait(database, now)
        if silent_until > now:
            return float(silent_until) - now
        # Numbers are consecutive: their range is never less than the number of permits, and found at once.
        if (rows or 0) <= self.allowed // 2:
            return 0.0
        return self._wait_above_half(database, now, next_at, is_reserved=reserved_until > now)

    def _wait_above_half(
        self, database: sqlite3.Connection, now: float, next_at: float, is_reserved: bool
    ) -> float:
        database.execute("DELETE FROM permit WHERE answered <= ?", (now - 2 * self.seconds,))
        used, urgent = self._count(database, now)
        if used <= self.allowed // 2:
            return 0.0
        free = self._free(used, urgent, is_reserved)
        if free <= 0:
            self._release_stale(database, now)
            used, urgent = self._count(database, now)
            free = self._free(used, urgent, is_reserved)
        if free <= 0:
            return self._until_one_expires(database, now)
        if self.urgent and urgent < self.reserved:
            return 0.0
        if next_at > now:
            return next_at - now
        interval = self._interval(database, now, used, free)
        spaced = "UPDATE gate SET next_at = max(next_at, ?) + ?"
        database.execute(spaced, (now - CATCH_UP_INTERVALS * interval, interval))
        return 0.0

    def _free(self, used: int, urgent: int, is_reserved: bool) -> int:
        """Return how many more permits may be given here."""
        free = self.allowed - used
        if self.urgent or not is_reserved:
            return free
        return min(free, self.allowed - self.reserved - (used - urgent))

    def _interval(self, database: sqlite3.Connection, now: float, used: int, free: int) -> float:
        """Return the shortest interval at which the free permits last until used ones expire, at any time."""
        return max(
            self._seconds_until_expired(database, now, int(used * part))
            / ((free + int(used * part)) * (1 + HASTE * part))
            for part in EXPIRING
        )

    def _seconds_until_expired(self, database: sqlite3.Connection, now: float, number: int) -> float:
        """Return the seconds until more than so many used permits have expired."""
        oldest = "SELECT answered FROM permit WHERE answered > ? ORDER BY answered LIMIT 1 OFFSET ?"
        found = database.execute(oldest, (now - self.seconds, number)).fetchone()
        # The others are in flight.
        return float(found[0]) + self.seconds - now if found else self.seconds

    def _until_one_expires(self, database: sqlite3.Connection, now: float) -> float:
        """Return the seconds until a used permit expires that stands in the way."""
        oldest = "SELECT min(answered) FROM permit WHERE answered > ? AND urgent <= ?"
        (found,) = database.execute(oldest, (now - self.seconds, self.urgent)).fetchone()
        # All requests are in flight: an answer will come.
        if found is None:
            return self.seconds / self.allowed
        return max(float(found) + self.seconds - now, 0.001)

    def _count(self, database: sqlite3.Connection, now: float) -> tuple[int, int]:
        """Return how many permits are used, and how many of them by urgent requests."""
        counted = f"SELECT count(*), coalesce(sum(urgent), 0) {_USED}"
        used, urgent = database.execute(counted, (now - self.seconds,)).fetchone()
        return int(used), int(urgent)

    # --- repairs -----------------------------------------------------------------------------------

    def _limit_gate(self, database: sqlite3.Connection, now: float) -> None:
        latest = (now + self.seconds, now + self.seconds + SILENCE_MARGIN_SECONDS)
        limit = "UPDATE gate SET next_at = min(next_at, ?), silent_until = min(silent_until, ?)"
        database.execute(limit, latest)

    def _release_stale(self, database: sqlite3.Connection, now: float) -> None:
        """Count the requests of dead processes, and those older than every timeout, as answered now."""
        over = "UPDATE permit SET answered = ? WHERE answered IS NULL AND "
        flying = database.execute("SELECT DISTINCT pid FROM permit WHERE answered IS NULL").fetchall()
        for (pid,) in flying:
            if not is_alive(pid):
                database.execute(f"{over} pid = ?", (now, pid))
        database.execute(f"{over} sent < ?", (now, now - LONGEST_FLIGHT_SECONDS))
        # The clock has moved back since.
        database.execute("UPDATE permit SET answered = ?1 WHERE answered > ?1", (now,))

    def _rebase(self, database: sqlite3.Connection, now: float) -> None:
        """Set the times of an earlier boot clock to now, which is the safe assumption."""
        (latest,) = database.execute("SELECT max(max(sent, coalesce(answered, sent))) FROM permit").fetchone()
        if latest is None:
            return
        (silent_until,) = database.execute("SELECT silent_until FROM gate").fetchone()
        database.execute("DELETE FROM permit WHERE answered <= ?", (latest - self.seconds,))
        database.execute("UPDATE permit SET sent = ?1, answered = ?1", (now,))
        database.execute("UPDATE gate SET next_at = 0, silent_until = 0")
        if silent_until > latest:  # a silence may not have been over
            self.silence(database, now)
