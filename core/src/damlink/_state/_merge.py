"""What a listing or an event brings becomes rows of the ledger: one statement, whoever else does the same.

It needs no lease: it adds rows and raises fingerprints, and takes nothing out of a worker's hands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from damlink._model import PushResult, SourceAsset
from damlink._state._compare import AT_REST
from damlink._state._engine import insert_into
from damlink._state._rows import RowState, dump_result
from damlink._state._tables import ledger as t

__all__ = ["merge"]


def merge(
    connection: sa.Connection,
    connector: str,
    assets: Iterable[SourceAsset],
    now: datetime,
    found: Mapping[str, str] | None = None,
) -> None:
    """Add what is new, and note another fingerprint of what is known; what is at rest starts afresh.

    A fingerprint that our own write is known to cause is no change.

    Args:
        found: targets of new assets that are in the portal already, by source id.
    """
    rows = [_new_row(connector, asset, now, place, found or {}) for place, asset in enumerate(assets)]
    if not rows:
        return
    insert = insert_into(connection, t)
    statement = insert.on_conflict_do_update(
        index_elements=list(t.primary_key),
        set_=_changes(insert.excluded),
        where=sa.and_(
            insert.excluded.fingerprint_seen != t.c.fingerprint_seen,
            insert.excluded.fingerprint_seen.is_distinct_from(t.c.fingerprint_after),
        ),
    )
    # Always in the same order, or two of these could wait for each other.
    connection.execute(statement, sorted(rows, key=lambda row: str(row["source_id"])))


def _changes(new: Any) -> dict[str, Any]:
    at_rest = sa.or_(
        *(t.c.state == state for state in AT_REST)
    )  # IN cannot stand in a statement for many rows
    afresh = {"state": RowState.DUE.value, "due_at": new.updated_at, "attempts": 0, "reason": ""}
    changes = {name: sa.case((at_rest, value), else_=t.c[name]) for name, value in afresh.items()}
    changes["updated_at"] = sa.case((at_rest, new.updated_at), else_=t.c.updated_at)
    return changes | {name: new[name] for name in ("fingerprint_seen", "title", "raw", "listed_at")}


def _new_row(
    connector: str, asset: SourceAsset, now: datetime, place: int, found: Mapping[str, str]
) -> dict[str, Any]:
    target = found.get(asset.source_id)
    return {
        "connector": connector,
        "source_id": asset.source_id,
        "state": RowState.PUSHED if target else RowState.DUE,
        "reason": "found in the portal" if target else "",
        "target_id": target,
        "result": dump_result(PushResult(target)) if target else None,
        "title": asset.title,
        "raw": json.dumps(dict(asset.raw)),
        "fingerprint_seen": asset.fingerprint,
        "fingerprint_carried": asset.fingerprint if target else None,
        # Rows of one batch are carried in the order in which they were brought.
        "due_at": None if target else now + timedelta(microseconds=place),
        "listed_at": now,
        "updated_at": now,
    }
