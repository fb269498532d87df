"""Identity of a database, and for each connector a count of claims and deliveries."""

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
    """Identity and counts of a database. A copy has the same identity until it is renewed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self) -> str | None:
        """Return the identity, or `None`."""
        with self._database.read() as connection:
            return connection.execute(sa.select(identity.c.id).order_by(identity.c.id)).scalars().first()

    def ensure(self) -> str:
        """Return the identity; create one if there is none."""
        return self.get() or self.renew()

    def renew(self) -> str:
        """Replace the identity by a new one."""
        new = uuid.uuid4().hex
        with self._database.write() as connection:
            connection.execute(sa.delete(identity))
            connection.execute(sa.insert(identity).values(id=new))
        return new

    def count(self, connector: str) -> int:
        """Return a connector's count of claims and deliveries."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(carried.c.count).where(carried.c.connector == connector))
            return int(found.scalar() or 0)

    def raise_count(self, connector: str, least: int = 0) -> int:
        """Raise the count by one, or to `least` if that is higher; return it."""
        with self._database.write() as connection:
            return count_up(connection, connector, least)

    def latest_write(self) -> datetime | None:
        """Return the time of the latest write of a row."""
        with self._database.read() as connection:
            return connection.execute(sa.select(sa.func.max(ledger.c.updated_at))).scalar()


def count_up(connection: sa.Connection, connector: str, least: int = 0) -> int:
    """Raise the count within a transaction; call it last, because it locks the connector's count."""
    higher = sa.case((carried.c.count >= least, carried.c.count + 1), else_=least)
    new = {"connector": connector, "count": max(1, least)}
    upsert(connection, carried, new, {"count": higher})
    query = sa.select(carried.c.count).where(carried.c.connector == connector)
    return int(connection.execute(query).scalar_one())
