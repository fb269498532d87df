"""Claiming of the next row to carry. Each transaction reads a bounded number of rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

import attrs
import sqlalchemy as sa

from damlink._state.rows import Row, RowState, as_row
from damlink._state.siblings import Hold, HoldKind, find_holds, serialize
from damlink._state.tables import UtcDateTime
from damlink._state.tables import ledger as t

__all__ = ["FIRST_BATCH", "MOST_BATCH", "Claimant", "claimable", "take"]

FIRST_BATCH: Final = 8
MOST_BATCH: Final = 100

_Parameter: TypeAlias = "sa.BindParameter[Any]"


@attrs.frozen
class Claimant:
    """A run that claims rows: its connector, its epoch and its sibling connectors."""

    connector: str
    epoch: int | None
    siblings: Sequence[str] = ()

    @property
    def owns(self) -> sa.ColumnElement[bool]:
        """The condition of its connector's rows."""
        return t.c.connector == self.connector


def claimable(
    now: datetime | _Parameter, epoch: int | _Parameter | None
) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of the rows that may be claimed, in the order of claiming.

    Rows left by a crash come first, then due rows, then failed rows. A row left by two crashes may be
    their cause: it comes last, so that it does not block the others.

    Args:
        epoch: of the run that claims; `None` stands for the next run.
    """
    earlier = sa.true() if epoch is None else sa.or_(t.c.epoch.is_(None), t.c.epoch < epoch)
    crashed = sa.true() if epoch is None else t.c.epoch < epoch
    is_waiting = t.c.state == RowState.WAITING
    is_left = sa.and_(t.c.state == RowState.RUNNING, crashed)
    return (
        sa.and_(is_left, t.c.attempts == 0),
        # No look at the time: the clock may have been set back since.
        t.c.state == RowState.DUE,
        sa.and_(t.c.state == RowState.FAILED, t.c.due_at <= now),
        # A waiting row is claimed once in each run.
        sa.and_(is_waiting, t.c.due_at <= now, earlier),
        sa.and_(is_waiting, t.c.due_at.is_(None), t.c.waits_for.is_not(None), earlier),
        sa.and_(is_left, t.c.attempts > 0),
    )


_NOW: Final = sa.bindparam("now", type_=UtcDateTime)
_EPOCH: Final = sa.bindparam("epoch", type_=sa.Integer)
# One query for each condition: together they could not use the index.
_CANDIDATES: Final = tuple(
    sa.select(t.c.source_id, t.c.checkpoint.is_not(None))
    .where(t.c.connector == sa.bindparam("connector"), condition)
    .order_by(t.c.due_at, t.c.source_id)
    .limit(sa.bindparam("batch", type_=sa.Integer))
    .with_for_update(skip_locked=True)
    for condition in claimable(_NOW, _EPOCH)
)
_CLAIM: Final = (
    sa.update(t)
    .where(t.c.connector == sa.bindparam("of"), t.c.source_id == sa.bindparam("id"))
    .values(
        state=RowState.RUNNING,
        epoch=sa.bindparam("in_epoch"),
        waits_for=None,
        updated_at=_NOW,
        # Counts a crash as the first attempt, so that a second crash can be recognised.
        attempts=sa.case((sa.and_(t.c.state == RowState.RUNNING, t.c.attempts == 0), 1), else_=t.c.attempts),
    )
    .returning(t)
)


def take(connection: sa.Connection, claimant: Claimant, now: datetime, batch: int) -> tuple[Row | None, bool]:
    """Claim the next row; also return whether to try again because siblings hold all of the batch."""
    if claimant.siblings:
        serialize(connection)
    given = {"connector": claimant.connector, "epoch": claimant.epoch, "now": now}
    given["batch"] = batch if claimant.siblings else 1
    for query in _CANDIDATES:
        # Whether each has a checkpoint, by source id in the order of claiming.
        candidates = {key: bool(has_notes) for key, has_notes in connection.execute(query, given)}
        if candidates:
            return _take_first_free(connection, claimant, candidates, now)
    return None, False


def _take_first_free(
    connection: sa.Connection, claimant: Claimant, candidates: dict[str, bool], now: datetime
) -> tuple[Row | None, bool]:
    holds = find_holds(connection, claimant.connector, claimant.siblings, list(candidates))
    holds = {key: hold for key, hold in holds.items() if hold.blocks(has_checkpoint=candidates[key])}
    held = list(itertools.takewhile(holds.__contains__, candidates))
    _set_aside(connection, claimant, {key: holds[key] for key in held}, now)
    if len(held) == len(candidates):
        return None, True
    free = next(itertools.islice(candidates, len(held), None))
    given = {"of": claimant.connector, "id": free, "in_epoch": claimant.epoch, "now": now}
    return as_row(connection.execute(_CLAIM, given).one()), False


def _set_aside(connection: sa.Connection, claimant: Claimant, holds: dict[str, Hold], now: datetime) -> None:
    """Skip the rows that a sibling has delivered, and let the others wait for the sibling."""
    for hold in set(holds.values()):
        ids = [key for key, each in holds.items() if each == hold]
        values = _values_of_skipped() if hold.kind is HoldKind.PUSHED else _values_of_waiting(claimant, hold)
        values |= {"reason": hold.reason, "due_at": None, "updated_at": now}
        connection.execute(_of(claimant, ids).values(values))


def _of(claimant: Claimant, ids: Iterable[str]) -> sa.Update:
    return sa.update(t).where(claimant.owns, t.c.source_id.in_(list(ids)))


def _values_of_skipped() -> dict[str, Any]:
    # The sibling carries every later fingerprint as well.
    return {
        "state": RowState.SKIPPED,
        "fingerprint_carried": t.c.fingerprint_seen,
        "attempts": 0,
        "last_error": "",
        "checkpoint": None,
        "checkpoint_fingerprint": None,
        "waits_for": None,
    }


def _values_of_waiting(claimant: Claimant, hold: Hold) -> dict[str, Any]:
    return {"state": RowState.WAITING, "waits_for": hold.by, "epoch": claimant.epoch}
