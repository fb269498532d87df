"""Removals at the source: rows that are known become due, with their title and record as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from damlink._model import Removed, SourceAsset
from damlink._state.compare import AT_REST
from damlink._state.rows import REMOVAL, RowState
from damlink._state.tables import UtcDateTime
from damlink._state.tables import ledger as t

__all__ = ["note_removal", "reason_of", "remove_listed"]

_NOW: Final = sa.bindparam("now", type_=UtcDateTime)
_FINGERPRINT: Final = sa.bindparam("listed", type_=t.c.fingerprint_seen.type)
_ROW: Final = (t.c.connector == sa.bindparam("of_connector"), t.c.source_id == sa.bindparam("of_id"))
_NOTE: Final = sa.update(t).where(*_ROW, t.c.state == RowState.REMOVED).values(fingerprint_seen=_FINGERPRINT)
_IS_AT_REST: Final = t.c.state.in_(AT_REST)


def _at_rest(value: Any, column: sa.Column[Any]) -> sa.Case[Any]:
    return sa.case((_IS_AT_REST, value), else_=column)


# A row that is due or in transfer keeps its state: it is compared when it is claimed or finished.
_REMOVE: Final = (
    sa.update(t)
    .where(*_ROW, t.c.fingerprint_seen != _FINGERPRINT)
    .values(
        fingerprint_seen=_FINGERPRINT,
        listed_at=_NOW,
        state=_at_rest(RowState.DUE.value, t.c.state),
        due_at=_at_rest(_NOW, t.c.due_at),
        attempts=_at_rest(0, t.c.attempts),
        reason=_at_rest(sa.bindparam("why", type_=t.c.reason.type), t.c.reason),
        updated_at=_at_rest(_NOW, t.c.updated_at),
    )
)


def reason_of(removal: SourceAsset) -> str:
    """Return why a listed removal makes its row due."""
    return f"removed at the source: {removal.fingerprint.removeprefix(REMOVAL)}".removesuffix(": ")


def note_removal(connection: sa.Connection, key: Mapping[str, Any], removed: Removed) -> None:
    """Store in a row just finished as removed that its source does not offer it: listed again, it is due."""
    connection.execute(_NOTE, {**key, "listed": f"{REMOVAL}{removed.reason}"})


def remove_listed(
    connection: sa.Connection, connector: str, removals: Sequence[SourceAsset], now: datetime
) -> None:
    """Make the known rows of removals due; a removal without a row is ignored."""
    for each in removals:
        given = {"of_connector": connector, "of_id": each.source_id, "listed": each.fingerprint}
        connection.execute(_REMOVE, given | {"why": reason_of(each), "now": now})
