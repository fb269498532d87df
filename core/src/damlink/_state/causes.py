"""Causes of rows that were not carried, counted once and then kept up to date, for pages."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Final

import attrs
import sqlalchemy as sa

from damlink._state.counters import count_rows
from damlink._state.database import Database
from damlink._state.rows import NOT_CARRIED, RowState
from damlink._state.search import Cause, Search, cause_of
from damlink._state.tables import history
from damlink._state.tables import ledger as t

__all__ = ["Causes"]

# Of more rows the causes are counted by the database each time: they would take too much memory.
MOST_ROWS: Final = 100_000
# More changes since the last look take longer than to begin anew.
MOST_CHANGES: Final = 5_000


@attrs.define
class _Known:
    """Rows of one connector that were not carried: state and cause by source id."""

    until: int
    rows: dict[str, tuple[str, str]]
    counts: Counter[tuple[str, str]] = attrs.field(factory=Counter)

    def put(self, source_id: str, found: tuple[str, str] | None) -> None:
        before = self.rows.pop(source_id, None)
        if before is not None:
            self.counts[before] -= 1
        if found is not None:
            self.rows[source_id] = found
            self.counts[found] += 1


class Causes:
    """The causes of all connectors, as one process knows them.

    The history says which rows have changed since the last look. What it does not say, such as a row that is
    refused when it is listed first, shows in the counters: then all is counted anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def read(
        self, database: Database, connector: str, limit: int, states: Sequence[RowState] = NOT_CARRIED
    ) -> list[Cause]:
        """Return the causes of rows in some states, the most frequent first."""
        with self._lock:
            known = self._refresh(database, connector)
        if known is None:
            return Search(database, connector).causes(limit, states)
        counts = [(key, count) for key, count in known.items() if count and key[0] in states]
        counts.sort(key=lambda each: (-each[1], each[0]))
        return [Cause(state=key[0], cause=key[1], count=count) for key, count in counts[:limit]]

    def _refresh(self, database: Database, connector: str) -> dict[tuple[str, str], int] | None:
        """Return the counts by state and cause; `None` if there are too many rows, or on PostgreSQL."""
        with database.read() as connection:
            # On PostgreSQL the numbers of the history need not appear in their order.
            if connection.dialect.name != "sqlite":
                return None
            counts = count_rows(connection, connector)
            wanted = {state: count for state, count in counts.items() if state in NOT_CARRIED}
            if sum(wanted.values()) > MOST_ROWS:
                self._known.pop(connector, None)
                return None
            known = self._known.get(connector)
            if known is None or not _follow(connection, connector, known) or _by_state(known) != wanted:
                known = self._known[connector] = _load(connection, connector)
            return dict(known.counts)


def _by_state(known: _Known) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (state, _), count in known.counts.items():
        found[state] += count
    return {state: count for state, count in found.items() if count}


def _load(connection: sa.Connection, connector: str) -> _Known:
    known = _Known(_last(connection), {})
    query = sa.select(t.c.source_id, t.c.state, cause_of()).where(
        t.c.connector == connector, t.c.state.in_(NOT_CARRIED)
    )
    for source_id, state, cause in connection.execute(query):
        known.put(source_id, (state, cause))
    return known


def _follow(connection: sa.Connection, connector: str, known: _Known) -> bool:
    """Bring what is known up to date; return whether that was possible."""
    last = _last(connection)
    if last - known.until > MOST_CHANGES or last < known.until:
        return False
    # With the connector as a condition SQLite would read all lines of the connector by their index.
    lines = sa.select(history.c.connector, history.c.source_id).where(history.c.id > known.until)
    ids = {source_id for name, source_id in connection.execute(lines) if name == connector}
    found = {}
    for each in ids:
        query = sa.select(t.c.state, cause_of()).where(t.c.connector == connector, t.c.source_id == each)
        row = connection.execute(query).one_or_none()
        found[each] = (row[0], row[1]) if row is not None and row[0] in NOT_CARRIED else None
    for source_id, state in found.items():
        known.put(source_id, state)
    known.until = last
    return True


def _last(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.max(history.c.id))).scalar() or 0)
