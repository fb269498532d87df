"""Processes that keep the schedule of the connectors: a `serve`, or workers on PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import attrs
import sqlalchemy as sa

from damlink._state.database import Database
from damlink._state.inbox import DISPATCHER
from damlink._state.lease import SILENT_AFTER_SECONDS
from damlink._state.tables import lease, worker
from damlink._system.process import is_gone

__all__ = ["Scheduling", "read_scheduling"]


@attrs.frozen
class Scheduling:
    """Which connectors are run on schedule now.

    Attributes:
        served: whether a process runs all connectors.
        workers: the connectors of each worker; all if empty.
    """

    served: bool
    workers: tuple[tuple[str, ...], ...] = ()

    def covers(self, connector: str) -> bool:
        """Return whether a process runs a connector on schedule."""
        return self.served or any(not only or connector in only for only in self.workers)


def read_scheduling(database: Database) -> Scheduling:
    """Return which connectors are run on schedule; no row of the ledger is read."""
    with database.read() as connection:
        # A `serve` without workers holds the dispatcher's lease from its beginning to its end.
        held = connection.execute(sa.select(lease).where(lease.c.connector == DISPATCHER)).one_or_none()
        now = datetime.now(UTC) if database.file else database.clock(connection)
        living = sa.select(worker.c.only).where(worker.c.ended_at.is_(None), ~worker.c.drains)
        only = [] if database.file else list(connection.execute(living).scalars())
    is_recent = (
        held is not None
        and held.heartbeat_at is not None
        and now - held.heartbeat_at < timedelta(seconds=SILENT_AFTER_SECONDS)
    )
    served = is_recent and held is not None and not is_gone(held.owner)
    return Scheduling(served, tuple(tuple(json.loads(each)) for each in only))
