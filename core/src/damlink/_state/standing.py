"""Newest runs and counters, which change while connectors run, read at once for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

import sqlalchemy as sa

from damlink._state.database import Database
from damlink._state.tables import counter, run

__all__ = ["read_standings"]


def read_standings(database: Database) -> dict[str, Hashable]:
    """Return the newest run and the counters of each connector, by its name; no row of the ledger is read."""
    newest = sa.select(sa.func.max(run.c.id)).group_by(run.c.connector)
    runs = sa.select(run.c.connector, run.c.id, run.c.exit_code).where(run.c.id.in_(newest))
    counts = sa.select(counter.c.connector, counter.c.state, sa.func.sum(counter.c.count))
    counts = counts.group_by(counter.c.connector, counter.c.state).order_by(counter.c.state)
    found = defaultdict[str, list[tuple[object, int | None]]](list)
    with database.read() as connection:
        for query in (runs, counts):
            for name, what, number in connection.execute(query):
                found[name].append((what, None if number is None else int(number)))
    return {name: tuple(values) for name, values in found.items()}
