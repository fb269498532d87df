"""Identity of a database, and for each connector a count of claims and deliveries."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database
from damlink._state.tables import carried, identity, ledger

__all__ = ["Identity", "count_up"]

_LEAST: Final = sa.bindparam("least", type_=sa.Integer)
_HIGHER: Final = sa.case((carried.c.count >= _LEAST, carried.c.count + 1), else_=_LEAST)


def _raise(insert: sqlite.Insert | postgresql.Insert) -> sa.Executable:
    changes = {"count": _HIGHER}
    return insert.on_conflict_do_update(index_elements=[carried.c.connector], set_=changes).returning(
        carried.c.count
    )


# Built once for each dialect.
_RAISE: Final = {"sqlite": _raise(sqlite.insert(carried)), "postgresql": _raise(postgresql.insert(carried))}


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
    values = {"connector": connector, "count": max(1, least), "least": least}
    return int(connection.execute(_RAISE[connection.dialect.name], values).scalar_one())
