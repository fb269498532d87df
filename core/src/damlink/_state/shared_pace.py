"""Rate limiter for all workers behind one egress address: an account in PostgreSQL, on the server's clock.

A process leases permits in small batches and spends them itself, so that a request seldom waits for the
database. What it has leased counts as used until it reports the answers; what a dead worker has leased counts
as used from its end on. Without the database, what is leased is spent, and then nothing is sent.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from damlink._http.permits import LONGEST_FLIGHT_SECONDS, SILENCE_MARGIN_SECONDS
from damlink._http.rate_limiter import Budget, RateLimiter
from damlink._state.conflicts import repeating
from damlink._state.database import Database
from damlink._state.pace_rule import Gate, Grant, Limits, Used, decide
from damlink._state.tables import pace_account as a
from damlink._state.tables import pace_lease as t
from damlink._state.tables import pace_used as u
from damlink._state.tables import worker
from damlink._system.process import age_clock
from damlink._system.waiting import Verify, hold, verify_nothing, wait
from damlink.errors import LeaseLostError, StateError, StoppedError

__all__ = ["SharedPace"]

# A leased permit is not spent later than this.
SPENDABLE_SECONDS: Final = 60.0

_NOW: Final = sa.select(sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Double))
_log = logging.getLogger("damlink.pace")


class SharedPace(RateLimiter):
    """Rate limiter that gives permits for requests to Bynder, shared by every process with this address.

    Args:
        address: name of the egress address that the portal sees.
        requests: how many Bynder allows in a window.
        seconds: the window's length.
        share: the fraction of them that Damlink uses.
        on_hold: called with the seconds before each wait, for the progress display.
        urgent: its requests are for events or checks; see `Pace`.
        worker: whose requests these are, and who sends none once its number has ended.
        count_earlier: returns how many requests count as used when the account is new.
    """

    def __init__(
        self,
        database: Database,
        address: str,
        requests: int,
        seconds: float,
        share: float,
        on_hold: Callable[[float], None] | None = None,
        *,
        urgent: bool = False,
        worker: int | None = None,
        count_earlier: Callable[[], int] = lambda: 0,
    ) -> None:
        self.allowed, self.seconds = max(1, int(requests * share)), seconds
        self.on_hold = on_hold or (lambda _seconds: None)
        self._database, self._address, self._urgent, self._worker = database, address, urgent, worker
        self._limits = Limits(self.allowed, seconds)
        self._asking = threading.Lock()  # one thread of a process asks, the others wait for the lock
        self._changing = threading.Lock()
        self._in_flight = self._unspent = self._to_report = 0
        self._leased_at = self._next_at = self._reserve_from = -math.inf
        self._interval = 0.0
        self._lease: int | None = None
        self._exchanging = threading.Lock()
        self._closed = threading.Event()
        self._reporting = threading.Thread(target=self._report_forever, name="pace", daemon=True)
        self._count_earlier = count_earlier
        self._is_open = False

    @contextlib.contextmanager
    def permit(self, verify: Verify = verify_nothing) -> Iterator[float]:
        """Hold a permit while one request is in flight; yield the seconds of waiting for it.

        If `verify` stops the request before it is sent, the permit can be spent on another one.

        Raises:
            StoppedError, LeaseLostError: raised by `verify` during the wait.
            StateError: the database cannot be used, and what was leased is spent.
        """
        began = age_clock()
        self._take(verify)
        is_sent = True
        try:
            yield age_clock() - began
        except (StoppedError, LeaseLostError):
            is_sent = False
            raise
        finally:
            with self._changing:
                self._in_flight -= 1
                self._to_report += is_sent
                self._unspent += not is_sent

    def silence(self) -> None:
        """Send nothing from this address for a whole window, because the portal answered 429."""
        _log.warning("the portal answered 429: nothing is sent to it for %.0f s", self.seconds)
        self._silence()

    def keep_reserve(self) -> None:
        """Keep the reserved tenth free although no urgent request is sent now; call this often."""
        if self._urgent:
            self._reserve_tenth()

    @repeating
    def budget(self) -> Budget:
        """Return the current state of the rate limiter."""
        with self._begin() as connection:
            now = self._now(connection)
            query = sa.select(a.c.silent_until).where(a.c.address == self._address)
            silent_until = connection.execute(query).scalar() or 0.0
            used = sum(each.count for each in self._read_used(connection, now))
        return Budget(self.allowed, used, self.seconds, max(0.0, silent_until - now))

    def close(self) -> None:
        """Give back what is leased, and report the answers; a request still in flight is reported as well."""
        self._closed.set()
        if self._reporting.ident is not None:
            self._reporting.join()
        if self._lease is None:
            return
        with self._changing:
            self._to_report += self._in_flight
            self._in_flight = 0
        # What cannot be reported now counts as used until everybody has forgotten this process.
        with contextlib.suppress(StateError):
            self._exchange(asks=False, ends=True)

    # --- permits of this process -------------------------------------------------------------------

    def _take(self, verify: Verify) -> None:
        with hold(self._asking, verify):
            if self._reporting.ident is None:
                self._reporting.start()
            while (pause := self._spend()) is not None:
                if pause <= 0:
                    pause = self._lease_more()
                if pause > 0:
                    self.on_hold(pause)
                    wait(min(pause, 1.0), verify)

    def _spend(self) -> float | None:
        """Spend a leased permit. Otherwise return the seconds until that is possible, 0 without one."""
        with self._changing:
            now = age_clock()
            if not self._unspent or now - self._leased_at > self._limits.batch_seconds:
                return 0.0
            if self._next_at > now:
                return self._next_at - now
            self._take_one(now)
            return None

    def _take_one(self, now: float) -> None:
        self._unspent -= 1
        self._in_flight += 1
        self._next_at = max(self._next_at, now - self._interval) + self._interval

    def _lease_more(self) -> float:
        """Lease another batch; return the seconds until to ask again, 0 if there is something to spend."""
        try:
            grant = self._exchange(asks=True)
        except StateError:
            with self._changing:
                if not self._unspent or age_clock() - self._leased_at > SPENDABLE_SECONDS:
                    raise
                # The database is away: what is leased is spent all the same.
                self._leased_at = max(self._leased_at, age_clock() - self._limits.batch_seconds / 2)
                return 0.0
        return grant.wait

    def _report_forever(self) -> None:
        while not self._closed.wait(self._limits.batch_seconds):
            with self._changing:
                is_old = age_clock() - self._leased_at > self._limits.batch_seconds
                has_news = self._to_report or (self._unspent and is_old)
            if has_news:
                # The next report covers it.
                with contextlib.suppress(StateError):
                    self._exchange(asks=False)

    def _exchange(self, *, asks: bool, ends: bool = False) -> Grant:
        """Report what was answered, give back what is old, and lease another batch if asked to."""
        with self._exchanging:
            began = age_clock()
            with self._changing:
                is_old = asks or ends or began - self._leased_at > self._limits.batch_seconds
                answered, returned = self._to_report, self._unspent if is_old else 0
                self._to_report, self._unspent = 0, self._unspent - returned
                kept = self._in_flight + self._unspent
                rewind = returned * self._interval
            try:
                grant = self._transact(answered, kept, rewind, asks=asks, ends=ends)
            except BaseException:
                with self._changing:
                    self._to_report, self._unspent = self._to_report + answered, self._unspent + returned
                raise
            with self._changing:
                self._unspent += grant.count
                if grant.count:
                    # Dated by its beginning: what another process silences after that ends the batch soon.
                    self._leased_at, self._interval = began, grant.interval
            return grant

    # --- the account -------------------------------------------------------------------------------

    def _open_account(self) -> None:
        """Create the account if it is new; until now, the machine has counted for itself."""
        query = sa.select(a.c.address).where(a.c.address == self._address)
        with self._begin() as connection:
            if connection.execute(query).scalar() is not None:
                return
        earlier = min(self.allowed, self._count_earlier())
        with self._begin() as connection:
            new = insert(a).values(address=self._address, silent_until=0, next_at=0, reserved_until=0)
            is_new = connection.execute(new.on_conflict_do_nothing()).rowcount
            if is_new and earlier:
                self._count(connection, self._now(connection), earlier, urgent=False)

    def _transact(self, answered: int, kept: int, rewind: float, *, asks: bool, ends: bool) -> Grant:
        """Exchange in one transaction; whether an earlier one was stored does not matter.

        Args:
            answered: permits that count as used from now on.
            kept: permits that stay leased.
            rewind: seconds of the spacing that belonged to permits which are given back.
        """
        grant, number = self._store(answered, kept, rewind, asks=asks, ends=ends)
        self._lease = number
        if number is None and not ends:
            with self._changing:
                self._unspent = 0
            raise LeaseLostError("the requests of this process were taken for sent")
        return grant

    @repeating
    def _store(
        self, answered: int, kept: int, rewind: float, *, asks: bool, ends: bool
    ) -> tuple[Grant, int | None]:
        with self._lock_account() as (connection, gate, now):
            if rewind:
                gate = attrs.evolve(gate, next_at=max(0.0, gate.next_at - rewind))
                mine = sa.update(a).where(a.c.address == self._address)
                connection.execute(mine.values(next_at=gate.next_at))
            if answered:
                self._count(connection, now, answered, urgent=self._urgent)
            self._count_dead(connection, now)
            number = self._keep_lease(connection, kept, now)
            grant = Grant(0)
            if asks and number is not None:
                grant = decide(self._limits, gate, self._read_used(connection, now), now, urgent=self._urgent)
                self._move_gate(connection, grant, now)
                mine = sa.update(t).where(t.c.id == number)
                connection.execute(mine.values(open=t.c.open + grant.count))
            if ends:
                connection.execute(sa.delete(t).where(t.c.id == number))
        return grant, number

    def _keep_lease(self, connection: sa.Connection, kept: int, now: float) -> int | None:
        """Store what is leased; return the number of the lease, or `None` if others have ended it."""
        values: dict[str, Any] = {"open": kept, "reported_at": now}
        if self._lease is not None:
            update = sa.update(t).where(t.c.id == self._lease).values(values)
            return self._lease if connection.execute(update).rowcount else None
        values |= {"address": self._address, "worker": self._worker, "urgent": self._urgent}
        return int(connection.execute(sa.insert(t).values(values).returning(t.c.id)).scalar_one())

    def _move_gate(self, connection: sa.Connection, grant: Grant, now: float) -> None:
        values: dict[str, Any] = {}
        if grant.next_at is not None:
            values["next_at"] = grant.next_at
        if self._urgent:
            values["reserved_until"] = now + self.seconds
        if values:
            connection.execute(sa.update(a).where(a.c.address == self._address).values(values))

    def _count_dead(self, connection: sa.Connection, now: float) -> None:
        """Count as used now what those have leased who can send nothing any more."""
        alive = sa.select(worker.c.id).where(worker.c.ended_at.is_(None))
        is_dead = sa.or_(
            sa.and_(t.c.worker.is_not(None), t.c.worker.not_in(alive)),
            t.c.reported_at < now - LONGEST_FLIGHT_SECONDS,
        )
        dead = sa.delete(t).where(t.c.address == self._address, t.c.id.is_distinct_from(self._lease), is_dead)
        for count, urgent in connection.execute(dead.returning(t.c.open, t.c.urgent)).all():
            if count > 0:
                self._count(connection, now, count, urgent=urgent)

    def _count(self, connection: sa.Connection, now: float, count: int, *, urgent: bool) -> None:
        """Count permits as used at the end of the present batch, together with the others of that time."""
        at = (math.floor(now / self._limits.batch_seconds) + 1) * self._limits.batch_seconds
        new = insert(u).values(address=self._address, at=at, urgent=urgent, count=count)
        changed = {"count": u.c.count + new.excluded.count}
        connection.execute(new.on_conflict_do_update(index_elements=list(u.primary_key), set_=changed))
        connection.execute(sa.delete(u).where(u.c.address == self._address, u.c.at < now - 2 * self.seconds))

    def _read_used(self, connection: sa.Connection, now: float) -> list[Used]:
        recent = sa.select(u.c.at, u.c.count, u.c.urgent)
        recent = recent.where(u.c.address == self._address, u.c.at > now - self.seconds)
        leased = sa.select(sa.func.sum(t.c.open), t.c.urgent).where(t.c.address == self._address)
        used = [Used(at, count, urgent) for at, count, urgent in connection.execute(recent)]
        open_ = connection.execute(leased.group_by(t.c.urgent))
        return used + [Used(None, int(count), urgent) for count, urgent in open_]

    @repeating
    def _silence(self) -> None:
        with self._lock_account() as (connection, gate, now):
            until = max(gate.silent_until, now + self.seconds + SILENCE_MARGIN_SECONDS)
            update = sa.update(a).where(a.c.address == self._address)
            connection.execute(update.values(silent_until=until))
        with self._changing:
            # What is leased is given back, not spent.
            self._leased_at = -math.inf

    @repeating
    def _reserve_tenth(self) -> None:
        if age_clock() < self._reserve_from:
            return
        with self._lock_account() as (connection, _gate, now):
            mine = sa.update(a).where(a.c.address == self._address)
            connection.execute(mine.values(reserved_until=now + self.seconds))
        self._reserve_from = age_clock() + self.seconds / 4

    @contextlib.contextmanager
    def _lock_account(self) -> Iterator[tuple[sa.Connection, Gate, float]]:
        """Begin a transaction that holds the account; yield its gate, and the time."""
        if not self._is_open:
            self._open_account()
            self._is_open = True
        with self._begin() as connection:
            held = sa.select(a).where(a.c.address == self._address).with_for_update()
            found = connection.execute(held).one()
            gate = Gate(found.silent_until, found.next_at, found.reserved_until)
            yield connection, gate, self._now(connection)

    @contextlib.contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        # A transaction of its own: it must not wait for those of the ledger.
        with self._database.translate_errors(), self._database.engine.begin() as connection:
            yield connection

    def _now(self, connection: sa.Connection) -> float:
        return float(connection.execute(_NOW).scalar_one())
