"""Encrypted credentials: tokens and secrets, with a hold for the one who renews them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from damlink._process import is_gone, owner
from damlink._state._engine import Database, upsert
from damlink._state._tables import credential as t
from damlink.errors import TransientError

__all__ = ["Credentials"]

HOLD_SECONDS: Final = 120.0  # longer than any token request; a crash in the middle blocks so long at most
PATIENCE_SECONDS: Final = 180.0
POLL_SECONDS: Final = 0.05


class Credentials:
    """Sealed bytes by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, name: str) -> bytes | None:
        """The sealed bytes kept under a name, or `None`."""
        with self._database.read() as connection:
            found: bytes | None = connection.execute(sa.select(t.c.sealed).where(t.c.name == name)).scalar()
        return found

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
    def exclusive(self, name: str) -> Iterator[None]:
        """Held by one thread of one process at a time.

        Raises:
            TransientError: somebody holds it for too long.
        """
        holder = f"{owner()}/{threading.get_ident()}"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._hold(name, holder):
            if time.monotonic() > deadline:
                raise TransientError(f"the token of {name} is being renewed by another process for too long")
            time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            with self._database.write() as connection:
                held = sa.update(t).where(t.c.name == name, t.c.held_by == holder)
                connection.execute(held.values(held_by=None, held_until=None))

    def _hold(self, name: str, holder: str) -> bool:
        now = datetime.now(UTC)
        values = {"held_by": holder, "held_until": now + timedelta(seconds=HOLD_SECONDS)}
        free = sa.or_(t.c.held_by.is_(None), t.c.held_until < now)
        with self._database.write() as connection:
            other = connection.execute(sa.select(t.c.held_by).where(t.c.name == name)).scalar()
            if other and is_gone(other):
                free = sa.or_(free, t.c.held_by == other)
            if connection.execute(sa.update(t).where(t.c.name == name, free).values(values)).rowcount:
                return True
            if connection.execute(sa.select(t.c.name).where(t.c.name == name)).scalar() is not None:
                return False
            with connection.begin_nested() as attempt:
                try:
                    connection.execute(sa.insert(t).values(name=name, updated_at=now, **values))
                except sa.exc.IntegrityError:  # somebody else was faster
                    attempt.rollback()
                    return False
            return True
