"""Sizes of the tables and of the database, and the version of the tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from damlink._state.database import Database
from damlink._state.tables import alembic_version, counter, ledger, metadata

__all__ = ["describe_database"]


def describe_database(database: Database) -> dict[str, Any]:
    """Return kind, version, tables' version, size in bytes, and the number of rows of each table."""
    with database.read() as connection:
        rows = {name: _count(connection, table) for name, table in sorted(metadata.tables.items())}
        return {
            "kind": connection.dialect.name,
            "version": ".".join(map(str, connection.dialect.server_version_info or ())),
            "schema": connection.execute(sa.select(alembic_version.c.version_num)).scalar(),
            "bytes": _size(connection),
            "rows": rows,
        }


def _count(connection: sa.Connection, table: sa.Table) -> int:
    # The largest table has its counters.
    count = sa.select(sa.func.coalesce(sa.func.sum(counter.c.count), 0))
    query = count if table is ledger else sa.select(sa.func.count()).select_from(table)
    return int(connection.execute(query).scalar_one())


def _size(connection: sa.Connection) -> int:
    if connection.dialect.name != "sqlite":
        return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())
    pages, size = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("page_count", "page_size")
    )
    return int(pages or 0) * int(size or 0)
