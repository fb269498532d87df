"""Holds of sibling connectors (same plugin and portal), so that an asset reaches a portal only once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import attrs
import sqlalchemy as sa

from damlink._state.rows import RowState
from damlink._state.tables import UtcDateTime, cursor, lease
from damlink._state.tables import ledger as t

__all__ = ["Hold", "HoldKind", "find_holds", "serialize", "wake", "wake_one"]

CLAIM_LOCK: Final = 0x73696273  # "sibs" as a number

_HAS_PUSHED: Final = sa.or_(t.c.state == RowState.PUSHED, t.c.target_id.is_not(None))
# A row of an older epoch was left by a crash: it counts as due.
_IS_BUSY: Final = sa.or_(
    t.c.state == RowState.UNCERTAIN, sa.and_(t.c.state == RowState.RUNNING, t.c.epoch == lease.c.epoch)
)
_HAS_CHECKPOINT: Final = t.c.checkpoint.is_not(None)
_NOW: Final = sa.bindparam("now", type_=UtcDateTime)
_WAKE: Final = (
    sa.update(t)
    .where(t.c.waits_for == sa.bindparam("by"), t.c.state == RowState.WAITING)
    .values(state=RowState.DUE, due_at=_NOW, reason="", waits_for=None, updated_at=_NOW)
)
_WAKE_SOME: Final = _WAKE.where(t.c.source_id.in_(sa.bindparam("ids", expanding=True)))
# Each transfer ends with it: a list of ids takes SQLAlchemy twice as long.
_WAKE_ONE: Final = _WAKE.where(t.c.source_id == sa.bindparam("id"))


class HoldKind(StrEnum):
    """Kinds of holds, the strongest first: pushed, being carried, or with a checkpoint."""

    PUSHED = "pushed"
    BUSY = "busy"
    CHECKPOINT = "checkpoint"


@attrs.frozen
class Hold:
    """Another connector's row that keeps this connector from carrying the same asset."""

    by: str
    kind: HoldKind

    @property
    def reason(self) -> str:
        """The reason that the row shows."""
        if self.kind is HoldKind.PUSHED:
            return f"already delivered by {self.by}"
        return f"waits until {self.by} is done with it"

    def blocks(self, *, has_checkpoint: bool) -> bool:
        """Return whether a row must not be carried now.

        Of two connectors that both have a checkpoint of an asset, the first one to claim it continues.
        """
        return not (self.kind is HoldKind.CHECKPOINT and has_checkpoint)


def find_holds(
    connection: sa.Connection, connector: str, siblings: Sequence[str], ids: Sequence[str]
) -> dict[str, Hold]:
    """Return the strongest hold on each of these source ids.

    A delivery of a sibling to the portal of its former configuration is no hold.
    """
    if not siblings or not ids:
        return {}
    kind = sa.case(
        (_HAS_PUSHED, HoldKind.PUSHED.value), (_IS_BUSY, HoldKind.BUSY.value), else_=HoldKind.CHECKPOINT.value
    )
    own = cursor.alias()
    mine = sa.select(own.c.portal).where(own.c.connector == connector).scalar_subquery()
    query = (
        sa.select(t.c.source_id, t.c.connector, kind)
        .outerjoin(lease, lease.c.connector == t.c.connector)
        .outerjoin(cursor, cursor.c.connector == t.c.connector)
        .where(t.c.connector.in_(siblings), t.c.source_id.in_(ids))
        .where(sa.or_(_HAS_PUSHED, _IS_BUSY, _HAS_CHECKPOINT))
        .where(sa.or_(cursor.c.portal.is_(None), mine.is_(None), cursor.c.portal == mine))
    )
    found = [(source_id, Hold(by, HoldKind(each))) for source_id, by, each in connection.execute(query)]
    strength = list(HoldKind)
    return dict(sorted(found, key=lambda pair: (strength.index(pair[1].kind), pair[1].by), reverse=True))


def serialize(connection: sa.Connection) -> None:
    """Lock claiming and finishing of siblings until this transaction ends.

    SQLite needs no lock: it has one writer at a time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CLAIM_LOCK)))


def wake(connection: sa.Connection, connector: str, ids: Iterable[str], now: datetime) -> None:
    """Make the rows due that wait for rows of this connector."""
    connection.execute(_WAKE_SOME, {"by": connector, "ids": list(ids), "now": now})


def wake_one(connection: sa.Connection, connector: str, source_id: str, now: datetime) -> None:
    """Make the rows due that wait for one row of this connector."""
    connection.execute(_WAKE_ONE, {"by": connector, "id": source_id, "now": now})
