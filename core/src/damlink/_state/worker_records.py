"""The living workers of a database, as people and other workers see them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeating
from damlink._state.counters import connectors_with
from damlink._state.database import Database
from damlink._state.dead_workers import IS_RUNNING
from damlink._state.rows import RowState
from damlink._state.tables import ledger
from damlink._state.tables import worker as t

__all__ = ["WorkerRecord", "drain_workers", "find_unfinished", "list_workers"]


@attrs.frozen
class WorkerRecord:
    """A living worker.

    Attributes:
        number: of the worker.
        owner: machine, process and start of it.
        only: the connectors that it carries; all if empty.
        threads: the most assets that it carries at once.
        drains: whether it claims nothing more.
        silent_seconds: the age of its last heartbeat.
        carries: the number of assets that it carries now, by connector.
    """

    number: int
    owner: str
    version: str
    only: tuple[str, ...]
    threads: int
    started_at: datetime
    drains: bool
    silent_seconds: float
    carries: dict[str, int] = attrs.field(factory=dict)

    def accepts(self, connector: str) -> bool:
        """Return whether it carries a connector."""
        return not self.only or connector in self.only


def list_workers(database: Database) -> list[WorkerRecord]:
    """Return the workers that have not ended, and what each of them carries."""
    if database.file is not None:
        return []
    silent = sa.func.extract("epoch", sa.func.clock_timestamp() - t.c.heartbeat_at).label("silent")
    query = sa.select(t, silent).where(t.c.ended_at.is_(None)).order_by(t.c.id)
    carried = sa.select(ledger.c.claimed_by, ledger.c.connector, sa.func.count()).where(*IS_RUNNING)
    carried = carried.where(ledger.c.claimed_by.is_not(None)).group_by(
        ledger.c.claimed_by, ledger.c.connector
    )
    with database.read() as connection:
        found = connection.execute(query).all()
        if not found:
            return []
        carries: dict[int, dict[str, int]] = {each.id: {} for each in found}
        for number, connector, count in connection.execute(carried):
            carries.setdefault(number, {})[connector] = count
    return [
        WorkerRecord(
            each.id,
            each.owner,
            each.version,
            tuple(json.loads(each.only)),
            each.threads,
            each.started_at,
            each.drains,
            max(0.0, float(each.silent)),
            carries[each.id],
        )
        for each in found
    ]


def find_unfinished(database: Database) -> set[str]:
    """Return the connectors with rows that may be carried now or later, without a look at the rows."""
    states = (RowState.DUE, RowState.RUNNING, RowState.FAILED, RowState.WAITING)
    with database.read() as connection:
        return set(connection.execute(connectors_with(*states)).scalars())


@repeating
def drain_workers(database: Database, machine: str, numbers: Sequence[int] = ()) -> list[int]:
    """Ask workers to claim nothing more, and to end; return their numbers.

    Args:
        machine: whose workers are asked if no number is given.
    """
    chosen = t.c.id.in_(numbers) if numbers else t.c.owner.startswith(f"{machine}/", autoescape=True)
    update = sa.update(t).where(t.c.ended_at.is_(None), chosen).values(drains=True).returning(t.c.id)
    with database.write() as connection:
        return sorted(connection.execute(update).scalars())
