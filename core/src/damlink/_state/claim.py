"""Claiming of the next row to carry. Each transaction reads a bounded number of rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeAlias

import attrs
import sqlalchemy as sa

from damlink._state.rows import Row, RowState, as_row
from damlink._state.siblings import Hold, HoldKind, find_holds, serialize
from damlink._state.tables import KeepableText, UtcDateTime, planned
from damlink._state.tables import ledger as t

__all__ = ["FIRST_BATCH", "MOST_BATCH", "SKIP", "Claimant", "claimable", "take"]

SKIP: Final = "skip"  # what a plan does with an asset that it does not carry

FIRST_BATCH: Final = 8
MOST_BATCH: Final = 100
URGENT_CONDITIONS: Final = 2  # the first ones of `claimable`

_Parameter: TypeAlias = "sa.BindParameter[Any]"


class _Kind(Enum):
    """Kind of a claim: all rows, those of its plan, one by one beside other workers, or urgent ones so."""

    ALL = 1
    PLANNED = 2
    SHARED = 3
    URGENT = 4


@attrs.frozen
class Claimant:
    """A run that claims rows: its connector, its epoch, its siblings, and its plan if it has one.

    Attributes:
        worker: the number of the process, if several share the epoch and claim row by row; it has no plan.
    """

    connector: str
    epoch: int | None
    siblings: Sequence[str] = ()
    plan: str | None = None
    worker: int | None = None

    @property
    def kind(self) -> _Kind:
        """Kind of what it claims."""
        if self.worker is not None:
            return _Kind.SHARED
        return _Kind.PLANNED if self.plan else _Kind.ALL

    @property
    def owns(self) -> sa.ColumnElement[bool]:
        """The condition of its connector's rows."""
        return t.c.connector == self.connector


def claimable(
    now: datetime | _Parameter, epoch: int | _Parameter | None, *, is_shared: bool = False
) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of the rows that may be claimed, in the order of claiming.

    Rows that an event has made due come first, then rows left by a crash, then due rows, then failed rows. A
    row left by two crashes may be their cause: it comes last, so that it does not block the others. No row
    matches two conditions.

    Args:
        epoch: of the run that claims; `None` stands for the next run.
        is_shared: workers share the epoch for days. Within it, a row that waits for a time is claimed again;
            one that waits for the next run, after the next listing.
    """
    earlier = sa.true() if epoch is None else sa.or_(t.c.epoch.is_(None), t.c.epoch < epoch)
    crashed = sa.true() if epoch is None else t.c.epoch < epoch
    if is_shared:
        earlier = sa.or_(earlier, t.c.due_at > t.c.updated_at)
    is_waiting = t.c.state == RowState.WAITING
    is_left = sa.and_(t.c.state == RowState.RUNNING, crashed)
    # No look at the time: the clock may have been set back since.
    is_due = t.c.state == RowState.DUE
    # A waiting row is claimed once in each run, unless it is shared.
    is_timed = sa.and_(is_waiting, t.c.due_at <= now, earlier)
    return (
        sa.and_(t.c.is_urgent, is_due),
        sa.and_(t.c.is_urgent, is_timed),
        sa.and_(is_left, t.c.attempts == 0),
        sa.and_(is_due, sa.not_(t.c.is_urgent)),
        sa.and_(t.c.state == RowState.FAILED, t.c.due_at <= now),
        sa.and_(is_timed, sa.not_(t.c.is_urgent)),
        sa.and_(is_waiting, t.c.due_at.is_(None), t.c.waits_for.is_not(None), earlier),
        sa.and_(is_left, t.c.attempts > 0),
    )


_NOW: Final = sa.bindparam("now", type_=UtcDateTime)
# Not named as columns are: SQLAlchemy keeps those names for values.
_OF: Final = sa.bindparam("of", type_=KeepableText)
_EPOCH: Final = sa.bindparam("in_epoch", type_=sa.Integer)
_BATCH: Final = sa.bindparam("batch", type_=sa.Integer)
_BY: Final = sa.bindparam("by", type_=sa.Integer)

_PLAN: Final = sa.bindparam("in_plan", type_=KeepableText)
# What would be carried is what was planned.
_IS_PLANNED: Final = (
    sa.exists()
    .where(
        planned.c.plan == _PLAN,
        planned.c.source_id == t.c.source_id,
        planned.c.action != SKIP,
        planned.c.fingerprint == sa.func.coalesce(t.c.checkpoint_fingerprint, t.c.fingerprint_seen),
    )
    .correlate(t)
)


def _queries(*conditions: sa.ColumnElement[bool], is_shared: bool = False) -> tuple[sa.Select[str], ...]:
    """Return the queries in the order of claiming."""
    # One for each condition: together they could not use the index.
    return tuple(
        sa.select(t.c.source_id)
        .where(t.c.connector == _OF, condition, *conditions)
        .order_by(t.c.due_at, t.c.source_id)
        .with_for_update(skip_locked=True)
        for condition in claimable(_NOW, _EPOCH, is_shared=is_shared)
    )


_IN_ORDER: Final = {
    _Kind.ALL: _queries(),
    _Kind.PLANNED: _queries(_IS_PLANNED),
    _Kind.SHARED: _queries(is_shared=True),
    _Kind.URGENT: _queries(is_shared=True)[:URGENT_CONDITIONS],
}


def _candidates(queries: Iterable[sa.Select[str]]) -> tuple[sa.Select[str, bool], ...]:
    return tuple(query.add_columns(t.c.checkpoint.is_not(None)).limit(_BATCH) for query in queries)


_CANDIDATES: Final = {kind: _candidates(queries) for kind, queries in _IN_ORDER.items()}


def _claim(source_id: sa.ColumnElement[str]) -> sa.Executable:
    """Return a statement that claims a row."""
    claimed = {
        "state": RowState.RUNNING,
        "epoch": _EPOCH,
        "claimed_by": _BY,
        "claim": t.c.claim + 1,
        "waits_for": None,
        "updated_at": _NOW,
        # Counts a crash as the first attempt, so that a second crash can be recognised.
        "attempts": sa.case(
            (sa.and_(t.c.state == RowState.RUNNING, t.c.attempts == 0), 1), else_=t.c.attempts
        ),
    }
    mine = (t.c.connector == _OF, t.c.source_id == source_id)
    return sa.update(t).where(*mine).values(claimed).returning(t)


_CLAIM: Final = _claim(sa.bindparam("id"))


def _claim_next(queries: Iterable[sa.Select[str]]) -> sa.Executable:
    """Return a statement that claims the first row of these queries; the database ends at the first hit."""
    first = (query.limit(sa.literal_column("1")).correlate(None).scalar_subquery() for query in queries)
    return _claim(sa.func.coalesce(*first))


_CLAIM_NEXT: Final = {kind: _claim_next(queries) for kind, queries in _IN_ORDER.items()}


def take(
    connection: sa.Connection, claimant: Claimant, now: datetime, batch: int, *, urgent: bool = False
) -> tuple[Row | None, bool]:
    """Claim the next row; also return whether to try again because siblings hold all of the batch.

    Args:
        urgent: claim one that an event has made due, or none; for a claimant that shares its connector.
    """
    kind = _Kind.URGENT if urgent else claimant.kind
    given = {"of": claimant.connector, "in_epoch": claimant.epoch, "now": now}
    given |= {"in_plan": claimant.plan} if claimant.plan else {}
    if not claimant.siblings:
        record = connection.execute(_CLAIM_NEXT[kind], given | {"by": claimant.worker}).one_or_none()
        return (as_row(record) if record else None), False
    serialize(connection)
    for query in _CANDIDATES[kind]:
        # Whether each has a checkpoint, by source id in the order of claiming.
        found = connection.execute(query, given | {"batch": batch})
        candidates = {key: bool(has_notes) for key, has_notes in found}
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
    given["by"] = claimant.worker
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
        "is_urgent": False,
        "attempts": 0,
        "last_error": "",
        "checkpoint": None,
        "checkpoint_fingerprint": None,
        "waits_for": None,
    }


def _values_of_waiting(claimant: Claimant, hold: Hold) -> dict[str, Any]:
    return {"state": RowState.WAITING, "waits_for": hold.by, "epoch": claimant.epoch}
