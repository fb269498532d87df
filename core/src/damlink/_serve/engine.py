"""The job engine, Procrastinate. The only importer of it.

It hands out jobs, wakes workers, and keeps no truth about assets. Its tables lie in a schema of their own
in the database of the state.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from procrastinate import metadata, schema

from damlink._state.database import CREATION_LOCK, Database

__all__ = ["ENGINE", "JOBS_SCHEMA", "find_pending", "upgrade_engine"]

JOBS_SCHEMA: Final = "damlink_jobs"
ENGINE: Final = f"Procrastinate {metadata.extract_metadata()['version']}"
WHOLE: Final = "schema.sql"

_applied: Final = sa.Table(
    "applied",
    sa.MetaData(schema=JOBS_SCHEMA),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)


def find_pending(database: Database) -> list[str]:
    """Return the names of the engine's files of SQL that are not applied yet, in order.

    A database without its tables needs one file, which makes them as all others would leave them.
    """
    with database.read() as connection:
        return _find_pending(connection)


def upgrade_engine(database: Database) -> None:
    """Apply the files that are missing, each in a transaction of its own."""
    for name in find_pending(database):
        with database.write() as connection:
            # Two processes may find the same tables at once.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CREATION_LOCK})")
            if name in _find_pending(connection):
                _apply(connection, name)


def _apply(connection: sa.Connection, name: str) -> None:
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {JOBS_SCHEMA}")
    connection.exec_driver_sql(f"SET LOCAL search_path = {JOBS_SCHEMA}")
    _applied.create(connection, checkfirst=True)
    # The text has several statements, which the server takes only without parameters.
    connection.exec_driver_sql(_text_of(name), execution_options={"no_parameters": True})
    known = [each.name for each in _steps()] if name == WHOLE else [name]
    connection.execute(sa.insert(_applied), [{"name": each} for each in known])


def _find_pending(connection: sa.Connection) -> list[str]:
    if not sa.inspect(connection).has_table(_applied.name, schema=JOBS_SCHEMA):
        return [WHOLE]
    done = set(connection.execute(sa.select(_applied.c.name)).scalars())
    return [path.name for path in _steps() if path.name not in done]


def _steps() -> list[Path]:
    """Return the files that lead from one version of the engine to the next, in order."""
    return sorted(schema.migrations_path.glob("*.sql"))


def _text_of(name: str) -> str:
    if name == WHOLE:
        return str(schema.SchemaManager.get_schema())
    return (schema.migrations_path / name).read_text(encoding="utf-8")
