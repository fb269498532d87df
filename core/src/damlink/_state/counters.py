"""Queries on the counters: numbers of rows without a look at the rows."""

from __future__ import annotations

import sqlalchemy as sa

from damlink._state.rows import RowState
from damlink._state.tables import counter

__all__ = ["connectors_with", "count_rows"]


def count_rows(connection: sa.Connection, connector: str) -> dict[str, int]:
    """Return the number of rows of a connector in each state that any of them has."""
    query = sa.select(counter.c.state, sa.func.sum(counter.c.count))
    query = query.where(counter.c.connector == connector).group_by(counter.c.state)
    found = {state: int(number) for state, number in connection.execute(query)}
    return {state.value: found[state] for state in RowState if found.get(state)}


def connectors_with(*states: RowState) -> sa.Select[str]:
    """Return the query for the connectors that have rows in one of these states."""
    query = sa.select(counter.c.connector).where(counter.c.state.in_(states))
    return query.group_by(counter.c.connector).having(sa.func.sum(counter.c.count) > 0)
