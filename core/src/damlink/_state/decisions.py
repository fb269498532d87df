"""Rows as a person decides on them: without a lease, beside a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.ledger import Ledger
from damlink._state.rows import Row, RowState
from damlink._state.tables import KeepableText
from damlink._state.tables import ledger as t
from damlink.errors import RunActiveError

__all__ = ["Decisions"]

# Nobody carries it, and nobody has carried it or decided on it since it was read: each claim counts up.
_IS_AS_READ: Final = (
    t.c.state == sa.bindparam("of_state", type_=KeepableText),
    t.c.claim == sa.bindparam("of_claim", type_=sa.Integer),
    t.c.state != RowState.RUNNING,
)


@repeat_conflicts
class Decisions(Ledger):
    """One connector's rows; each write changes a row that is not being carried and is as it was read.

    Every method that changes a row raises `RunActiveError` otherwise, and changes nothing. A run never keeps
    in memory what such a row says: it claims the row first, in a transaction that sees the change.
    """

    def _execute(
        self, connection: sa.Connection, update: sa.Update, row: Row, values: Mapping[str, Any]
    ) -> None:
        given = {**values, **self._key_of(row), "of_state": row.state, "of_claim": row.claim}
        if not connection.execute(update.where(*_IS_AS_READ), given).rowcount:
            what = f"{self._connector}: {row.source_id} is being carried, or was changed meanwhile"
            raise RunActiveError(what, hint="look at it again, then decide")

    @contextlib.contextmanager
    def _write(self, *, ordered: bool = False, single: bool = False) -> Iterator[sa.Connection]:
        with self._database.write(ordered=ordered, single=single) as connection:
            yield connection
