"""History of the rows: each change of a state with its cause. An error is not overwritten by the next one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database
from damlink._state.tables import history as t
from damlink._state.tables import read_record

__all__ = ["KEPT", "Change", "History"]

KEPT: Final = timedelta(days=90)
# Each transaction deletes so many: other writers wait for it.
PRUNED_AT_ONCE: Final = 2000


@attrs.frozen(kw_only=True)
class Change:
    """A change of a row's state.

    Attributes:
        run: the number of the run that was active then, or `None`.
        cause: the error or the reason, or empty.
        requests: of a failure: method, route, status and the id that the other side gave, as far as known.
    """

    source_id: str
    at: datetime
    run: int | None
    from_state: str
    to_state: str
    cause: str
    requests: Sequence[Mapping[str, Any]]


@repeat_conflicts
class History:
    """The history of one connector's rows; the triggers of the ledger write it."""

    def __init__(self, database: Database, connector: str) -> None:
        self._database = database
        self._connector = connector

    def read(self, source_id: str) -> list[Change]:
        """Return the changes of a row, the oldest first."""
        own = (t.c.connector == self._connector, t.c.source_id == source_id)
        with self._database.read() as connection:
            found = connection.execute(sa.select(t).where(*own).order_by(t.c.id)).all()
        return [read_record(Change, each, requests=json.loads(each.requests or "[]")) for each in found]

    def prune(self) -> None:
        """Delete what is older than 90 days, of all connectors."""
        # Lines are written in the order of time, so that the oldest ones are found by their numbers.
        oldest = sa.select(t.c.id, t.c.at).order_by(t.c.id).limit(PRUNED_AT_ONCE).subquery()
        old = sa.select(oldest.c.id).where(oldest.c.at < self._database.now() - KEPT)
        count = PRUNED_AT_ONCE
        while count == PRUNED_AT_ONCE:
            with self._database.write() as connection:
                count = connection.execute(sa.delete(t).where(t.c.id.in_(old))).rowcount
