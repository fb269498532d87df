"""Encrypted credentials: tokens and secrets, with a hold for the one who renews them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, insert_into, upsert
from damlink._state.tables import credential as t
from damlink._system.process import age_clock, is_gone, owner
from damlink._system.waiting import Verify, slices, verify_nothing
from damlink.errors import TransientError

__all__ = ["Credentials"]

HOLD_SECONDS: Final = 120.0  # longer than any token request; a crash in the middle blocks so long at most
HOLD_TIMEOUT_SECONDS: Final = 900.0  # its holder may wait for the portal's silence itself
POLL_SECONDS: Final = 0.05


@repeat_conflicts
class Credentials:
    """Sealed bytes by name.

    Args:
        hold_seconds: how long a name is held when its holder says nothing more.
    """

    def __init__(self, database: Database, hold_seconds: float = HOLD_SECONDS) -> None:
        self._database = database
        self.hold_seconds = hold_seconds

    def load(self, name: str) -> bytes | None:
        """The sealed bytes kept under a name, or `None`."""
        with self._database.read() as connection:
            found: bytes | None = connection.execute(sa.select(t.c.sealed).where(t.c.name == name)).scalar()
        return found

    def load_version(self, name: str) -> tuple[bytes | None, int]:
        """Return the sealed bytes kept under a name, and how often it has been given other ones."""
        query = sa.select(t.c.sealed, t.c.version).where(t.c.name == name)
        with self._database.read() as connection:
            found = connection.execute(query).one_or_none()
        return (found.sealed, found.version) if found else (None, 0)

    def replace(self, name: str, sealed: bytes, version: int) -> bool:
        """Keep sealed bytes if those kept are still of this version; whether they were.

        Durable when this returns.
        """
        now = datetime.now(UTC)
        new = {"name": name, "sealed": sealed, "version": 1, "updated_at": now}
        changes = {"sealed": sealed, "version": t.c.version + 1, "updated_at": now}
        with self._database.write() as connection:
            row = insert_into(connection, t).values(new)
            same = t.c.version == version
            swap = row.on_conflict_do_update(index_elements=[t.c.name], set_=changes, where=same)
            return connection.execute(swap.returning(t.c.name)).first() is not None

    def save(self, name: str, sealed: bytes) -> None:
        """Keep sealed bytes; durable when this returns."""
        now = datetime.now(UTC)
        new = {"name": name, "sealed": sealed, "version": 1, "updated_at": now}
        changes = {"sealed": sealed, "version": t.c.version + 1, "updated_at": now}
        with self._database.write() as connection:
            upsert(connection, t, new, changes)

    def remove(self, name: str) -> bool:
        """Forget a name; whether there was one."""
        with self._database.write() as connection:
            return bool(connection.execute(sa.delete(t).where(t.c.name == name)).rowcount)

    def names(self, prefix: str) -> list[str]:
        """The names that begin so and hold something."""
        query = sa.select(t.c.name).where(
            t.c.name.startswith(prefix, autoescape=True), t.c.sealed.is_not(None)
        )
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(t.c.name)).scalars())

    @contextlib.contextmanager
    def exclusive(self, name: str, verify: Verify = verify_nothing) -> Iterator[Verify]:
        """Hold a name, as one thread of one process at a time.

        Yields:
            What makes sure that it is still held, and goes on holding it. To be called during long waits
            and right before what only its holder may do; raises `TransientError` if another took it.

        Raises:
            TransientError: somebody holds it for too long.
            StoppedError, LeaseLostError: from `verify`, while it waits.
        """
        holder = f"{owner()}/{threading.get_ident()}"
        self._wait_for(name, holder, verify)
        try:
            yield _Hold(self, name, holder).confirm
        finally:
            self._release(name, holder)

    def extend(self, name: str, holder: str) -> bool:
        """Hold a name for longer; whether it is still held."""
        mine = (t.c.name == name, t.c.held_by == holder)
        with self._database.write() as connection:
            until = self._database.clock(connection) + timedelta(seconds=self.hold_seconds)
            return bool(connection.execute(sa.update(t).where(*mine).values(held_until=until)).rowcount)

    def _release(self, name: str, holder: str) -> None:
        with self._database.write() as connection:
            held = sa.update(t).where(t.c.name == name, t.c.held_by == holder)
            connection.execute(held.values(held_by=None, held_until=None))

    def _wait_for(self, name: str, holder: str, verify: Verify) -> None:
        pause = POLL_SECONDS
        for seconds in slices(HOLD_TIMEOUT_SECONDS, verify):
            if self._hold(name, holder):
                return
            time.sleep(min(pause, seconds))
            pause *= 1.2
        raise TransientError(f"the token of {name} is being renewed by another process for too long")

    def _hold(self, name: str, holder: str) -> bool:
        with self._database.write() as connection:
            now = self._database.clock(connection)
            values = {"held_by": holder, "held_until": now + timedelta(seconds=self.hold_seconds)}
            # Much later than any hold can end: by the clock of an earlier start of the machine.
            strange = t.c.held_until > now + timedelta(seconds=2 * self.hold_seconds)
            free = sa.or_(t.c.held_by.is_(None), t.c.held_until < now, strange)
            other = connection.execute(sa.select(t.c.held_by).where(t.c.name == name)).scalar()
            if other and is_gone(other):
                free = sa.or_(free, t.c.held_by == other)
            if connection.execute(sa.update(t).where(t.c.name == name, free).values(values)).rowcount:
                return True
            if connection.execute(sa.select(t.c.name).where(t.c.name == name)).scalar() is not None:
                return False
            new = insert_into(connection, t).values(name=name, updated_at=datetime.now(UTC), **values)
            return connection.execute(new.on_conflict_do_nothing().returning(t.c.name)).first() is not None


class _Hold:
    """A name that is held, and when that was last made sure."""

    def __init__(self, credentials: Credentials, name: str, holder: str) -> None:
        self._credentials, self._name, self._holder = credentials, name, holder
        self._confirmed_at = age_clock()

    def confirm(self) -> None:
        """Make sure that it is still held, at no cost while that is young."""
        now = age_clock()
        if now - self._confirmed_at < self._credentials.hold_seconds / 4:
            return
        if not self._credentials.extend(self._name, self._holder):
            raise TransientError("another process has begun to renew the token meanwhile")
        self._confirmed_at = now
