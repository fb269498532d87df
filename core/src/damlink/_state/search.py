"""Questions about the rows of a connector: those that match a filter, and why rows were not carried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._state.database import Database
from damlink._state.rows import NOT_CARRIED, Row, RowState, as_row
from damlink._state.tables import ledger as t

__all__ = ["Cause", "Filter", "Search"]

# Without the id, equal causes of different assets are the same.
_cause: Final = sa.func.replace(t.c.last_error, t.c.source_id, "…")


@attrs.frozen(kw_only=True)
class Filter:
    """Conditions that rows must meet; an empty field asks for nothing.

    Attributes:
        search: a part of the source id or the title, in letters of any size.
    """

    state: RowState | None = None
    cause: str = ""
    search: str = ""


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

    def causes(self, limit: int, states: Sequence[RowState] = NOT_CARRIED) -> list[Cause]:
        """Return the causes of rows that were not carried, the most frequent first."""
        count = sa.func.count()
        query = sa.select(t.c.state, _cause, count).where(self._mine, t.c.state.in_(states))
        query = query.group_by(t.c.state, _cause).order_by(count.desc(), t.c.state, _cause).limit(limit)
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return [Cause(state=state, cause=cause, count=number) for state, cause, number in found]


def _conditions(wanted: Filter) -> list[sa.ColumnElement[Any]]:
    conditions: list[sa.ColumnElement[Any]] = []
    if wanted.state:
        conditions.append(t.c.state == wanted.state)
    if wanted.cause:
        conditions.append(_cause == wanted.cause)
    if wanted.search:
        places = (t.c.source_id, t.c.title)
        conditions.append(sa.or_(*(each.icontains(wanted.search, autoescape=True) for each in places)))
    return conditions
