"""The end of workers that have died, are frozen or cut off: their numbers end, and their rows are free."""

from __future__ import annotations

import logging
from typing import Final

import sqlalchemy as sa

from damlink._state.conflicts import repeating
from damlink._state.counters import connectors_with
from damlink._state.database import Database
from damlink._state.rows import RowState
from damlink._state.tables import ledger
from damlink._state.tables import worker as t

__all__ = ["IS_RUNNING", "LOCK_CLASS", "end_dead", "end_worker"]

LOCK_CLASS: Final = 0x64616D77  # "damw" as a number
# A worker is dead when its last heartbeat is older than this by the server's clock, …
FROZEN_SECONDS: Final = 10.0
# … or older than this while its lock is gone.
GONE_SECONDS: Final = 1.0
KEPT: Final = 100  # ended workers

_log = logging.getLogger("damlink.worker")
_IS_DEAD: Final = sa.text(
    f"""worker.ended_at IS NULL AND (
        worker.heartbeat_at < clock_timestamp() - make_interval(secs => {FROZEN_SECONDS})
        OR worker.heartbeat_at < clock_timestamp() - make_interval(secs => {GONE_SECONDS})
        AND NOT EXISTS (
            SELECT 1 FROM pg_locks AS held JOIN pg_database AS here ON here.oid = held.database
            WHERE held.locktype = 'advisory' AND held.granted AND here.datname = current_database()
                  AND held.classid::bigint = {LOCK_CLASS} AND held.objid::bigint = worker.id))"""  # noqa: S608 - our own words
)
# The connectors are named, so that an index finds the rows.
IS_RUNNING: Final = (
    ledger.c.connector.in_(connectors_with(RowState.RUNNING)),
    ledger.c.state == RowState.RUNNING,
)
_TERMINATE: Final = sa.text(
    """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = :session AND usename = current_user AND pid <> pg_backend_pid()"""
)


def end_dead(database: Database, number: int) -> list[int]:
    """End the dead workers, except the one with this number, and free their rows; return their numbers."""
    with database.read() as connection:
        query = sa.select(t.c.id, t.c.session, t.c.owner).where(_IS_DEAD, t.c.id != number)
        dead = connection.execute(query).all()
    ended = []
    for each in dead:
        _terminate(database, each.session)
        if _end(database, each.id, _IS_DEAD):
            _log.warning("worker %d (%s) is dead: its assets are taken over", each.id, each.owner)
            ended.append(each.id)
    return ended


def _terminate(database: Database, session: str) -> None:
    """End the sessions of a worker, so that no transaction of it keeps its locks.

    Not as a write of this process: those take turns, and one of them may wait for just such a lock.
    """
    with database.read() as connection:
        connection.execute(_TERMINATE, {"session": session})


def end_worker(database: Database, number: int) -> bool:
    """End a worker that lives, and free its rows; return whether it did."""
    return _end(database, number, sa.true())


@repeating
def _end(database: Database, number: int, condition: sa.ColumnElement[bool] | sa.TextClause) -> bool:
    """End a worker to which the condition still applies, and free its rows, in one transaction."""
    still = (t.c.id == number, t.c.ended_at.is_(None), condition)
    with database.write() as connection:
        # A write of it that is under way holds a lock: it is finished, or its session is ended.
        found = sa.select(t.c.id).where(*still).with_for_update(skip_locked=True)
        if connection.execute(found).scalar() is None:
            return False
        # Of no worker and of no epoch that is: a run claims them first.
        freed = sa.update(ledger).where(*IS_RUNNING, ledger.c.claimed_by == number)
        connection.execute(freed.values(claimed_by=None, epoch=0))
        ended = sa.update(t).where(t.c.id == number).values(ended_at=sa.func.clock_timestamp())
        connection.execute(ended)
        connection.execute(sa.delete(t).where(t.c.ended_at.is_not(None), t.c.id < number - KEPT))
    return True
