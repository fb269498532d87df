"""Rows of the ledger and their states."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import attrs

from damlink._model import PushResult, Removed, SourceAsset
from damlink._secret import redact
from damlink._state.packing import unpack
from damlink._state.tables import read_record

__all__ = [
    "FINISHED",
    "NOT_CARRIED",
    "REFUSED",
    "REMOVAL",
    "Row",
    "RowState",
    "as_listed",
    "as_row",
    "dump_result",
    "is_removal",
    "load_result",
    "next_round",
]

FIRST_ROUND: Final = timedelta(minutes=15)
LONGEST_ROUND: Final = timedelta(hours=24)
MOST_ROUNDS: Final = 8
# Stored in place of the fingerprint of a source asset that could not be stored.
REFUSED: Final = ""
# Stored in its place, with the reason behind it, when the source no longer offers the asset.
REMOVAL: Final = "damlink.removed "


class RowState(StrEnum):
    """State of a source asset."""

    DUE = "due"
    RUNNING = "running"
    WAITING = "waiting"
    UNCERTAIN = "uncertain"
    PUSHED = "pushed"
    SKIPPED = "skipped"
    REMOVED = "removed"
    REJECTED = "rejected"
    FAILED = "failed"


# What needs a person, or another try.
NOT_CARRIED: Final = (RowState.FAILED, RowState.REJECTED, RowState.UNCERTAIN)
# Another target account makes these due; what was removed at the source never reaches it.
FINISHED: Final = (RowState.PUSHED, RowState.SKIPPED, RowState.REJECTED)


@attrs.frozen(kw_only=True)
class Row:
    """One source asset of one connector in the ledger."""

    connector: str
    source_id: str
    state: RowState
    title: str
    raw: Mapping[str, Any]
    fingerprint_seen: str
    fingerprint_carried: str | None
    fingerprint_after: str | None
    reason: str
    attempts: int
    last_error: str
    due_at: datetime | None
    epoch: int | None
    previous: PushResult | None
    checkpoint: bytes | None = attrs.field(repr=False)
    checkpoint_fingerprint: str | None
    waits_for: str | None
    listed_at: datetime
    updated_at: datetime
    claimed_by: int | None = None
    claim: int = 0
    is_urgent: bool = False

    @property
    def is_refused(self) -> bool:
        """True if its source asset could not be stored, so that there is nothing to carry."""
        return self.fingerprint_seen == REFUSED

    @property
    def is_removal(self) -> bool:
        """True if the source no longer offers the asset, as listed last."""
        return self.fingerprint_seen.startswith(REMOVAL)

    @property
    def removal(self) -> Removed | None:
        """The removal to carry, if it is one."""
        if not self.carrying.startswith(REMOVAL):
            return None
        return Removed(self.source_id, self.carrying.removeprefix(REMOVAL))

    @property
    def carrying(self) -> str:
        """The fingerprint to carry: a transfer with a checkpoint is finished as it began."""
        return self.checkpoint_fingerprint or self.fingerprint_seen

    @property
    def source(self) -> SourceAsset:
        """The source asset for the plugin."""
        return SourceAsset(self.source_id, self.carrying, self.title, self.raw)


def as_listed(item: SourceAsset | Removed) -> SourceAsset:
    """Return what a listing yields as the ledger takes it: a removal is a fingerprint of its own."""
    if isinstance(item, SourceAsset):
        return item
    return SourceAsset(item.source_id, f"{REMOVAL}{item.reason}")


def is_removal(asset: SourceAsset) -> bool:
    """Return whether an asset as the ledger takes it is a removal."""
    return str(asset.fingerprint).startswith(REMOVAL)


def as_row(record: Any) -> Row:
    """Convert a database row to a `Row`."""
    state, raw, previous = RowState(record.state), json.loads(unpack(record)), load_result(record.result)
    return read_record(Row, record, state=state, raw=raw, previous=previous)


def dump_result(result: PushResult) -> str:
    """Return a push result as JSON for the ledger."""
    kept = {"notice": redact(result.notice), "detail": dict(result.detail)}
    return json.dumps(attrs.asdict(result, recurse=False) | kept)


def load_result(text: str | None) -> PushResult | None:
    """Return the push result of its JSON, or `None`."""
    return PushResult(**json.loads(text)) if text else None


def next_round(attempts: int, now: datetime) -> datetime | None:
    """Return when a row with so many failed attempts is due again; `None` if only a person revives it."""
    if attempts >= MOST_ROUNDS:
        return None
    pause: timedelta = min(FIRST_ROUND * 2 ** max(0, attempts - 1), LONGEST_ROUND)
    return now + pause
