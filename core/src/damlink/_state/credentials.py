"""Encrypted credentials: tokens and secrets, with a lock for renewing them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, insert_into, upsert
from damlink._state.tables import credential as t
from damlink._system.process import age_clock, is_gone, owner
from damlink._system.waiting import Verify, slices, verify_nothing
from damlink.errors import TransientError

__all__ = ["Credentials"]

# Longer than any token request. A crash in the middle of one blocks others for so long at most.
HOLD_SECONDS: Final = 120.0
# The holder itself may wait for a whole rate limit window.
HOLD_TIMEOUT_SECONDS: Final = 900.0
POLL_SECONDS: Final = 0.05


@repeat_conflicts
class Credentials:
    """Sealed bytes by name.

    Args:
        hold_seconds: how long a name stays locked if its holder does not extend the lock.
    """

    def __init__(self, database: Database, hold_seconds: float = HOLD_SECONDS) -> None:
        self._database = database
        self.hold_seconds = hold_seconds

    def load(self, name: str) -> bytes | None:
        """Return the sealed bytes stored under a name, or `None`."""
        with self._database.read() as connection:
            found: bytes | None = connection.execute(sa.select(t.c.sealed).where(t.c.name == name)).scalar()
        return found

    def load_version(self, name: str) -> tuple[bytes | None, int]:
        """Return the sealed bytes stored under a name, and how often they have been replaced."""
        query = sa.select(t.c.sealed, t.c.version).where(t.c.name == name)
        with self._database.read() as connection:
            found = connection.execute(query).one_or_none()
        return (found.sealed, found.version) if found else (None, 0)

    def replace(self, name: str, sealed: bytes, version: int) -> bool:
        """Replace the sealed bytes if they still have this version; return whether they had.

        Durable when this returns.
        """
        new, changes = _new_value(name, sealed, self._database.now())
        with self._database.write() as connection:
            row = insert_into(connection, t).values(new)
            same = t.c.version == version
            swap = row.on_conflict_do_update(index_elements=[t.c.name], set_=changes, where=same)
            return connection.execute(swap.returning(t.c.name)).first() is not None

    def save(self, name: str, sealed: bytes) -> None:
        """Store sealed bytes; durable when this returns."""
        with self._database.write() as connection:
            upsert(connection, t, *_new_value(name, sealed, self._database.now()))

    def remove(self, name: str) -> bool:
        """Delete a name; return whether it existed."""
        with self._database.write() as connection:
            return bool(connection.execute(sa.delete(t).where(t.c.name == name)).rowcount)

    def names(self, prefix: str) -> list[str]:
        """Return the names that begin with a prefix and have a value."""
        query = sa.select(t.c.name).where(
            t.c.name.startswith(prefix, autoescape=True), t.c.sealed.is_not(None)
        )
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(t.c.name)).scalars())

    @contextlib.contextmanager
    def exclusive(self, name: str, verify: Verify = verify_nothing) -> Iterator[Verify]:
        """Lock a name for one thread of one process.

        Yields:
            A function that verifies and extends the lock. Call it during long waits and right before an
            effect; it raises `TransientError` if another thread or process has the lock.

        Raises:
            TransientError: the lock is not free in time.
            StoppedError, LeaseLostError: raised by `verify` during the wait.
        """
        holder = f"{owner()}/{threading.get_ident()}"
        self._wait_for(name, holder, verify)
        try:
            yield _Hold(self, name, holder).confirm
        finally:
            self._release(name, holder)

    def extend(self, name: str, holder: str) -> bool:
        """Extend the lock on a name; return whether it was still held."""
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
            # No lock ends so late: the time comes from the boot clock before the machine was started again.
            strange = t.c.held_until > now + timedelta(seconds=2 * self.hold_seconds)
            free = sa.or_(t.c.held_by.is_(None), t.c.held_until < now, strange)
            other = connection.execute(sa.select(t.c.held_by).where(t.c.name == name)).scalar()
            if other and is_gone(other):
                free = sa.or_(free, t.c.held_by == other)
            if connection.execute(sa.update(t).where(t.c.name == name, free).values(values)).rowcount:
                return True
            if connection.execute(sa.select(t.c.name).where(t.c.name == name)).scalar() is not None:
                return False
            new = insert_into(connection, t).values(name=name, updated_at=self._database.now(), **values)
            return connection.execute(new.on_conflict_do_nothing().returning(t.c.name)).first() is not None


def _new_value(name: str, sealed: bytes, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns of a new row, and the changes of an existing one."""
    changes = {"sealed": sealed, "updated_at": now}
    return changes | {"name": name, "version": 1}, changes | {"version": t.c.version + 1}


class _Hold:
    """A locked name, with the time of the last verification."""

    def __init__(self, credentials: Credentials, name: str, holder: str) -> None:
        self._credentials, self._name, self._holder = credentials, name, holder
        self._confirmed_at = age_clock()

    def confirm(self) -> None:
        """Verify the lock, without a query while the last verification is recent."""
        now = age_clock()
        if now - self._confirmed_at < self._credentials.hold_seconds / 4:
            return
        if not self._credentials.extend(self._name, self._holder):
            raise TransientError("another process has begun to renew the token meanwhile")
        self._confirmed_at = now
