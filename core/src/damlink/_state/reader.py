"""Queries of the ledger, which need no lease."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from damlink._state.accounts import Accounts
from damlink._state.claim import Claimant, claimable
from damlink._state.compare import Compared, compare_listed, find_rows
from damlink._state.counters import count_rows
from damlink._state.database import Database
from damlink._state.listed import Listed, Progress
from damlink._state.rows import FINISHED, Row, RowState, as_row
from damlink._state.siblings import Hold, find_holds
from damlink._state.tables import cursor as cursor_table
from damlink._state.tables import ledger as t

__all__ = ["LedgerReader"]


class LedgerReader:
    """Read-only view of one connector's rows.

    Args:
        epoch: the epoch of the lease under which to write.
        siblings: other connectors of the same plugin and portal, if an asset must reach a portal only once.
        on_carried: called with the new count of claims and deliveries after each commit of one.
        plan: the saved plan whose assets alone are claimed.
        worker: the number of the worker that writes, if several share the epoch.
    """

    def __init__(
        self,
        database: Database,
        connector: str,
        epoch: int | None = None,
        siblings: Sequence[str] = (),
        on_carried: Callable[[int], None] = lambda _count: None,
        plan: str | None = None,
        worker: int | None = None,
    ) -> None:
        self._database = database
        self._now = database.now
        self._connector = connector
        self._on_carried = on_carried
        self._run = Claimant(connector, epoch, tuple(siblings), plan, worker)

    def progress(self) -> Progress:
        """Return the progress of the listing."""
        query = sa.select(cursor_table).where(cursor_table.c.connector == self._connector)
        with self._database.read() as connection:
            record = connection.execute(query).one_or_none()
        if record is None:
            return Progress()
        return Progress(
            record.value,
            record.selection,
            record.completed,
            Accounts(
                json.loads(record.source or "{}"), json.loads(record.target or "{}"), record.portal or ""
            ),
            record.look_since,
            record.look_until,
        )

    def find(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return the rows with these source ids, by source id."""
        with self._database.read() as connection:
            return find_rows(connection, self._connector, ids)

    def compare(self, listed: Listed) -> list[Compared]:
        """Compare a batch of a listing with the rows; return the assets that are not unchanged."""
        with self._database.read() as connection:
            return compare_listed(connection, self._connector, listed)

    def holds(self, ids: Sequence[str]) -> dict[str, Hold]:
        """Return the holds of sibling connectors on these source ids, by source id."""
        with self._database.read() as connection:
            return find_holds(connection, self._connector, self._run.siblings, ids)

    def ready(self) -> Iterator[Row]:
        """Yield the rows that the next run would claim without listing, in that order."""
        for condition in claimable(self._now(), None):
            yield from self._rows(sa.and_(self._mine, condition), t.c.due_at, t.c.source_id)

    def targets(self, limit: int) -> list[str]:
        """Return the target ids of the rows pushed last."""
        query = sa.select(t.c.target_id).where(self._mine, t.c.state == RowState.PUSHED, t.c.target_id != "")
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(t.c.updated_at.desc()).limit(limit)).scalars())

    def read_finished(self) -> Iterator[Row]:
        """Yield the finished rows, one state after the other."""
        for state in FINISHED:
            yield from self.rows(state)

    def has_ready(self, *, is_shared: bool = False) -> bool:
        """Return whether a run would find something to carry without listing.

        A row that waits for the next run does not count; one that waits for a time does.

        Args:
            is_shared: leave out what a worker carries: a dead worker's rows are its own no longer.
        """
        by_time = sa.or_(
            t.c.state == RowState.FAILED,
            sa.and_(t.c.state == RowState.WAITING, t.c.due_at > t.c.updated_at),
        )
        is_left = sa.and_(t.c.state == RowState.RUNNING, t.c.claimed_by.is_(None) if is_shared else sa.true())
        at_once = sa.or_(t.c.state == RowState.DUE, is_left)
        ready = sa.or_(at_once, sa.and_(t.c.due_at <= self._now(), by_time))
        return self._has(ready)

    def has_urgent(self) -> bool:
        """Return whether an event has made a row due that no run carries."""
        is_timed = sa.and_(t.c.state == RowState.WAITING, t.c.due_at <= self._now())
        is_ready = sa.or_(t.c.state == RowState.DUE, is_timed)
        return self._has(sa.and_(t.c.is_urgent, is_ready))

    def _has(self, condition: sa.ColumnElement[bool]) -> bool:
        with self._database.read() as connection:
            return bool(connection.execute(sa.select(sa.exists().where(self._mine, condition))).scalar())

    def rows(self, state: RowState | None = None) -> Iterator[Row]:
        """Yield the rows in the order of their last change, read a thousand at a time."""
        chosen = self._mine if state is None else sa.and_(self._mine, t.c.state == state)
        yield from self._rows(chosen, t.c.updated_at, t.c.source_id)

    def _rows(self, chosen: sa.ColumnElement[bool], *order: sa.Column[Any]) -> Iterator[Row]:
        query = sa.select(t).where(chosen).order_by(*order)
        with self._database.read() as connection:
            for record in connection.execution_options(yield_per=1000).execute(query):
                yield as_row(record)

    def counts(self) -> dict[str, int]:
        """Return the number of rows in each state, without a look at the rows."""
        with self._database.read() as connection:
            return count_rows(connection, self._connector)

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return t.c.connector == self._connector
