"""Upsert of source assets from a listing or an event into the ledger, in one statement.

It needs no lease: it adds rows and updates fingerprints, and does not change the state of a claimed row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from damlink._model import PushResult, SourceAsset
from damlink._state.compare import AT_REST
from damlink._state.database import insert_into
from damlink._state.rows import REFUSED, RowState, dump_result
from damlink._state.tables import ledger as t
from damlink._system.json_record import text_of

__all__ = ["merge", "refuse"]


def merge(
    connection: sa.Connection,
    connector: str,
    assets: Iterable[SourceAsset],
    now: datetime,
    found: Mapping[str, str] | None = None,
) -> None:
    """Insert new assets and update the fingerprint of known ones; rows at rest become due.

    The fingerprint that our own upload caused does not count as a change.

    Args:
        found: target ids of new assets that the portal has already, by source id.
    """
    rows = [_new_row(connector, asset, now, place, found or {}) for place, asset in enumerate(assets)]
    if not rows:
        return
    insert = insert_into(connection, t)
    statement = insert.on_conflict_do_update(
        index_elements=list(t.primary_key),
        set_=_changes(insert.excluded),
        where=sa.or_(
            t.c.fingerprint_seen == REFUSED,
            sa.and_(
                insert.excluded.fingerprint_seen != t.c.fingerprint_seen,
                insert.excluded.fingerprint_seen.is_distinct_from(t.c.fingerprint_after),
            ),
        ),
    )
    # Always in the same order: otherwise two such transactions could deadlock.
    connection.execute(statement, sorted(rows, key=lambda row: str(row["source_id"])))


def refuse(
    connection: sa.Connection,
    connector: str,
    source_id: str,
    fingerprint: str | None,
    title: str,
    error: str,
    now: datetime,
) -> sa.Row[Any] | None:
    """Store a failed row for a source asset that cannot be stored; return that row.

    A row that is being carried, or is finished under this fingerprint, stays as it is: return `None` then.
    The row becomes due when the asset is listed again in a valid form.
    """
    values: dict[str, Any] = {
        "state": RowState.FAILED,
        "last_error": error,
        "due_at": None,
        "fingerprint_seen": REFUSED,
    }
    values |= {"listed_at": now, "updated_at": now}
    insert = insert_into(connection, t).values(
        connector=connector, source_id=source_id, title=title, raw="{}", **values
    )
    at_rest = t.c.state.in_(AT_REST)
    statement = insert.on_conflict_do_update(
        index_elements=list(t.primary_key),
        set_=values,
        where=sa.and_(at_rest, t.c.fingerprint_seen.is_distinct_from(fingerprint)),
    )
    return connection.execute(statement.returning(t)).one_or_none()


def _changes(new: Any) -> dict[str, Any]:
    # SQLAlchemy does not support IN in a statement that is executed for many rows.
    at_rest = sa.or_(*(t.c.state == state for state in AT_REST))
    # It was invalid meanwhile, and is now again what was pushed already.
    same = sa.and_(
        t.c.fingerprint_seen == REFUSED,
        sa.or_(
            t.c.fingerprint_carried == new.fingerprint_seen, t.c.fingerprint_after == new.fingerprint_seen
        ),
        t.c.result.is_not(None),
    )
    state = sa.case((same, RowState.PUSHED.value), else_=RowState.DUE.value)
    due_at = sa.case((same, None), else_=new.updated_at)
    afresh = {"state": state, "due_at": due_at, "attempts": 0, "reason": ""}
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
        "raw": text_of(asset.raw),
        "fingerprint_seen": asset.fingerprint,
        "fingerprint_carried": asset.fingerprint if target else None,
        # Rows of one batch are carried in the order in which they were listed.
        "due_at": None if target else now + timedelta(microseconds=place),
        "listed_at": now,
        "updated_at": now,
    }
