"""The identity of a database, and a count for each connector that grows with all that it carries."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, upsert
from damlink._state.tables import carried, identity, ledger

__all__ = ["Identity", "count_up"]


@repeat_conflicts
class Identity:
    """Which database this is. A copy of it has the same identity, until it is given a new one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self) -> str | None:
        """Return the identity, if it has one."""
        with self._database.read() as connection:
            return connection.execute(sa.select(identity.c.id).order_by(identity.c.id)).scalars().first()

    def ensure(self) -> str:
        """Return the identity; a database without one is given one."""
        return self.get() or self.renew()

    def renew(self) -> str:
        """Give the database a new identity."""
        new = uuid.uuid4().hex
        with self._database.write() as connection:
            connection.execute(sa.delete(identity))
            connection.execute(sa.insert(identity).values(id=new))
        return new

    def count(self, connector: str) -> int:
        """Return how much a connector has carried."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(carried.c.count).where(carried.c.connector == connector))
            return int(found.scalar() or 0)

    def raise_count(self, connector: str, least: int = 0) -> int:
        """Count up, at least to a number; return the new count."""
        with self._database.write() as connection:
            return count_up(connection, connector, least)

    def latest_write(self) -> datetime | None:
        """Return when a row was written last."""
        with self._database.read() as connection:
            return connection.execute(sa.select(sa.func.max(ledger.c.updated_at))).scalar()


def count_up(connection: sa.Connection, connector: str, least: int = 0) -> int:
    """Count up in a transaction; the last that it does, so that others are not held up."""
    higher = sa.case((carried.c.count >= least, carried.c.count + 1), else_=least)
    new = {"connector": connector, "count": max(1, least)}
    upsert(connection, carried, new, {"count": higher})
    query = sa.select(carried.c.count).where(carried.c.connector == connector)
    return int(connection.execute(query).scalar_one())
