"""`ctx.ledger`: what a connector has delivered, for its own plugin to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from damlink._model import LedgerEntry
from damlink._state.database import Database
from damlink._state.rows import REMOVAL, load_result
from damlink._state.tables import ledger as t

__all__ = ["Deliveries"]

# A page is one transaction: a longer one would keep SQLite from truncating its log.
PAGE: Final = 500
_COLUMNS: Final = (t.c.source_id, t.c.title, t.c.state, t.c.fingerprint_carried, t.c.result, t.c.updated_at)


class Deliveries:
    """Read-only view of one connector's rows."""

    def __init__(self, database: Database, connector: str) -> None:
        self._database = database
        self._mine = t.c.connector == connector

    def get(self, source_id: str) -> LedgerEntry | None:
        """Return the entry of a source asset; `None` if it was never listed."""
        return next(self._read(t.c.source_id == source_id), None)

    def find_target(self, target_id: str) -> LedgerEntry | None:
        """Return the entry that was delivered as this asset of the target; of several, the last one."""
        return next(self._read(t.c.target_id == target_id, order=(t.c.updated_at.desc(),)), None)

    def list_delivered(self) -> Iterator[LedgerEntry]:
        """Yield the entries of which something is at the target, in the order of their source ids."""
        last = ""
        while True:
            found = list(self._read(t.c.source_id > last, t.c.result.is_not(None), limit=PAGE))
            yield from found
            if len(found) < PAGE:
                return
            last = found[-1].source_id

    def _read(
        self, *conditions: sa.ColumnElement[bool], order: tuple[Any, ...] = (t.c.source_id,), limit: int = 1
    ) -> Iterator[LedgerEntry]:
        query = sa.select(*_COLUMNS).where(self._mine, *conditions).order_by(*order).limit(limit)
        with self._database.read() as connection:
            records = connection.execute(query).all()
        return map(_as_entry, records)


def _as_entry(record: Any) -> LedgerEntry:
    carried = record.fingerprint_carried or ""
    return LedgerEntry(
        source_id=record.source_id,
        title=record.title,
        state=record.state,
        fingerprint="" if carried.startswith(REMOVAL) else carried,
        result=load_result(record.result),
        updated_at=record.updated_at,
    )
