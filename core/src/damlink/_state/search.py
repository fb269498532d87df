"""Questions about the rows of a connector: those that match a filter, and why rows were not carried."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._state.database import Database
from damlink._state.rows import NOT_CARRIED, Row, RowState, as_row
from damlink._state.tables import ledger as t

__all__ = ["Cause", "Filter", "Found", "Search", "cause_of"]

# Without the id, equal causes of different assets are the same.
_cause: Final = sa.func.replace(t.c.last_error, t.c.source_id, "…")


# Rows that a search looks at in one statement.
SEARCHED_AT_ONCE: Final = 10_000


def cause_of() -> sa.ColumnElement[str]:
    """Return the cause of a row: its error without its id."""
    return _cause


@attrs.frozen(kw_only=True)
class Filter:
    """Conditions that rows must meet; an empty field asks for nothing.

    Attributes:
        search: a part of the source id or the title, in letters of any size.
        source_id: the whole source id.
        since: rows that have changed on this day or later.
        until: rows that have changed before the end of this day.
    """

    state: RowState | None = None
    cause: str = ""
    search: str = ""
    source_id: str = ""
    since: date | None = None
    until: date | None = None


@attrs.frozen(kw_only=True)
class Found:
    """Rows that match, in the order of their ids.

    Attributes:
        after: where to go on; `None` at the end of all rows.
    """

    rows: Sequence[Row]
    after: str | None


@attrs.frozen(kw_only=True)
class Cause:
    """Why so many rows in this state were not carried."""

    state: str
    cause: str
    count: int


class Search:
    """Searches in the rows of one connector."""

    def __init__(self, database: Database, connector: str) -> None:
        self._database, self._mine = database, t.c.connector == connector

    def find(self, wanted: Filter, *, limit: int, offset: int = 0) -> list[Row]:
        """Return matching rows, in the order of their ids or, in one state, of becoming due."""
        order = (t.c.source_id,) if wanted.state is None else (t.c.due_at, t.c.source_id)
        query = sa.select(t).where(self._mine, *_conditions(wanted)).order_by(*order)
        with self._database.read() as connection:
            return [as_row(each) for each in connection.execute(query.limit(limit).offset(offset))]

    def walk(
        self,
        wanted: Filter,
        *,
        limit: int,
        after: str = "",
        seconds: float = math.inf,
        at_once: int = SEARCHED_AT_ONCE,
    ) -> Found:
        """Return matching rows with larger ids than `after`, as far as the time suffices.

        Args:
            seconds: after this time it ends, at a row that `after` of the result names.
            at_once: rows that it looks at between two looks at the clock.
        """
        rows: list[Row] = []
        end = time.monotonic() + seconds
        with self._database.read() as connection:
            while True:
                last = self._end_of_slice(connection, after, at_once)
                until = [] if last is None else [t.c.source_id <= last]
                query = sa.select(t).where(self._mine, t.c.source_id > after, *until, *_conditions(wanted))
                query = query.order_by(t.c.source_id).limit(limit - len(rows))
                rows += [as_row(each) for each in connection.execute(query)]
                if len(rows) == limit:
                    return Found(rows=rows, after=rows[-1].source_id)
                if last is None:
                    return Found(rows=rows, after=None)
                after = last
                if time.monotonic() >= end:
                    return Found(rows=rows, after=after)

    def _end_of_slice(self, connection: sa.Connection, after: str, count: int) -> str | None:
        """Return the last id of the next rows to look at; `None` if there are not so many."""
        ids = sa.select(t.c.source_id).where(self._mine, t.c.source_id > after).order_by(t.c.source_id)
        return connection.execute(ids.limit(1).offset(count - 1)).scalar()

    def causes(self, limit: int, states: Sequence[RowState] = NOT_CARRIED) -> list[Cause]:
        """Return the causes of rows that were not carried, the most frequent first."""
        count = sa.func.count()
        query = sa.select(t.c.state, _cause, count).where(self._mine, t.c.state.in_(states))
        query = query.group_by(t.c.state, _cause).order_by(count.desc(), t.c.state, _cause).limit(limit)
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return [Cause(state=state, cause=cause, count=number) for state, cause, number in found]

    def names(self, limit: int, states: Sequence[RowState] = NOT_CARRIED) -> set[str]:
        """Return the ids and titles of rows in some states, of so many rows at most."""
        query = sa.select(t.c.source_id, t.c.title).where(self._mine, t.c.state.in_(states)).limit(limit)
        with self._database.read() as connection:
            return {text for row in connection.execute(query) for text in row}


def _conditions(wanted: Filter) -> list[sa.ColumnElement[Any]]:
    conditions: list[sa.ColumnElement[Any]] = []
    if wanted.state:
        conditions.append(t.c.state == wanted.state)
    if wanted.cause:
        conditions.append(_cause == wanted.cause)
    if wanted.source_id:
        conditions.append(t.c.source_id == wanted.source_id)
    if wanted.since:
        conditions.append(t.c.updated_at >= _midnight(wanted.since))
    if wanted.until:
        conditions.append(t.c.updated_at < _midnight(wanted.until + timedelta(days=1)))
    if wanted.search:
        places = (t.c.source_id, t.c.title)
        conditions.append(sa.or_(*(each.icontains(wanted.search, autoescape=True) for each in places)))
    return conditions


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)
