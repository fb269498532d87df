"""What can be asked of the ledger without a lease."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from damlink._state.accounts import Accounts
from damlink._state.claim import Claimant, claimable
from damlink._state.database import Database
from damlink._state.listed import Progress
from damlink._state.rows import FINISHED, Row, RowState, as_row
from damlink._state.siblings import Hold, find_holds
from damlink._state.tables import cursor as cursor_table
from damlink._state.tables import ledger as t

__all__ = ["LedgerReader"]


class LedgerReader:
    """One connector's rows, to look at.

    Args:
        epoch: of the lease under which to write.
        siblings: other connectors of the same plugin and portal, where an asset comes once a portal.
        on_carried: called with the new count after something that is carried has been committed.
    """

    def __init__(
        self,
        database: Database,
        connector: str,
        epoch: int | None = None,
        siblings: Sequence[str] = (),
        on_carried: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._database = database
        self._connector = connector
        self._on_carried = on_carried
        self._run = Claimant(connector, epoch, tuple(siblings))

    def progress(self) -> Progress:
        """How far the listing has come."""
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
        """The rows of these source ids."""
        with self._database.read() as connection:
            return self._find(connection, ids)

    def holds(self, ids: Sequence[str]) -> dict[str, Hold]:
        """Return what other connectors of the same plugin and portal have of these source ids."""
        with self._database.read() as connection:
            return find_holds(connection, self._connector, self._run.siblings, ids)

    def _find(self, connection: sa.Connection, ids: Sequence[str], *, held: bool = False) -> dict[str, Row]:
        query = sa.select(t).where(self._mine, t.c.source_id.in_(ids))
        query = query.order_by(t.c.source_id).with_for_update() if held else query
        return {record.source_id: as_row(record) for record in connection.execute(query)}

    def ready(self, now: datetime) -> Iterator[Row]:
        """The rows that the next run would claim without listing, in that order."""
        for condition in claimable(now, None):
            yield from self._rows(sa.and_(self._mine, condition), t.c.due_at, t.c.source_id)

    def targets(self, limit: int) -> list[str]:
        """The ids under which the rows pushed last are known at the target."""
        query = sa.select(t.c.target_id).where(self._mine, t.c.state == RowState.PUSHED, t.c.target_id != "")
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(t.c.updated_at.desc()).limit(limit)).scalars())

    def read_finished(self) -> Iterator[Row]:
        """The rows that are finished, one state after the other."""
        for state in FINISHED:
            yield from self.rows(state)

    def has_ready(self, now: datetime) -> bool:
        """Whether a run would find something to carry without listing.

        What was put off until the next run does not call for one; what was put off for a time does.
        """
        by_time = sa.or_(
            t.c.state == RowState.FAILED,
            sa.and_(t.c.state == RowState.WAITING, t.c.due_at > t.c.updated_at),
        )
        at_once = t.c.state.in_((RowState.DUE, RowState.RUNNING))
        ready = sa.or_(at_once, sa.and_(t.c.due_at <= now, by_time))
        with self._database.read() as connection:
            return bool(connection.execute(sa.select(sa.exists().where(self._mine, ready))).scalar())

    def rows(self, state: RowState | None = None) -> Iterator[Row]:
        """The rows, in the order of their last change, read a thousand at a time."""
        chosen = self._mine if state is None else sa.and_(self._mine, t.c.state == state)
        yield from self._rows(chosen, t.c.updated_at, t.c.source_id)

    def _rows(self, chosen: sa.ColumnElement[bool], *order: sa.Column[Any]) -> Iterator[Row]:
        query = sa.select(t).where(chosen).order_by(*order)
        with self._database.read() as connection:
            for record in connection.execution_options(yield_per=1000).execute(query):
                yield as_row(record)

    def counts(self) -> dict[str, int]:
        """How many rows are in each state."""
        query = sa.select(t.c.state, sa.func.count()).where(self._mine).group_by(t.c.state)
        with self._database.read() as connection:
            found = {state: int(number) for state, number in connection.execute(query)}
        return {state.value: found[state] for state in RowState if state in found}

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return t.c.connector == self._connector
