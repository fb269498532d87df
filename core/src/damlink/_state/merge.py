"""Upsert of source assets from a listing or an event into the ledger, in one statement.

It needs no lease: it adds rows and updates fingerprints, and does not change the state of a claimed row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from damlink._model import PushResult, SourceAsset
from damlink._state.compare import AT_REST, Comparison, compare_listed
from damlink._state.database import insert_into
from damlink._state.listed import Listed, Tally
from damlink._state.packing import pack
from damlink._state.page import bind_page
from damlink._state.removal import remove_listed
from damlink._state.rows import (
    REFUSED,
    REMOVAL,
    RowState,
    dump_result,
    is_removal,
)
from damlink._state.tables import ledger as t
from damlink._system.json_record import text_of

__all__ = ["hasten", "merge", "merge_listed", "refuse"]


def merge_listed(connection: sa.Connection, connector: str, listed: Listed, now: datetime) -> Tally:
    """Store a batch of a listing; return how many assets were new, changed and so on."""
    compared = compare_listed(connection, connector, listed, held=True)
    by_result: dict[Comparison, list[SourceAsset]] = defaultdict(list)
    for each in compared:
        by_result[each.comparison].append(each.asset)
    new, changed, found = (by_result[each] for each in (Comparison.NEW, Comparison.CHANGED, Comparison.FOUND))
    merge(connection, connector, [*new, *changed], now)
    _adopt(connection, connector, found, listed.found, now)
    _requeue_skipped(connection, connector, by_result[Comparison.RECONSIDERED], now)
    total = len({asset.source_id for asset in listed.assets})
    written = len(new) + len(changed) + len(found)
    return Tally(len(new), len(changed), total - written, len(found))


def merge(connection: sa.Connection, connector: str, assets: Iterable[SourceAsset], now: datetime) -> None:
    """Insert new assets and update the fingerprint of known ones; rows at rest become due.

    The fingerprint that our own upload caused does not count as a change. Rows of one batch are carried in
    the order in which they were listed.
    """
    dues = {asset.source_id: (asset, now + timedelta(microseconds=n)) for n, asset in enumerate(assets)}
    # Always in the same order: otherwise two such transactions could deadlock.
    ordered = [dues[key] for key in sorted(dues)]
    chosen = [each for each in ordered if not is_removal(each[0])]
    given = {t.c.due_at: [due_at for _, due_at in chosen]}
    _upsert(connection, connector, [asset for asset, _ in chosen], now, given, state=RowState.DUE)
    removals = [asset for asset, _ in ordered if is_removal(asset)]
    remove_listed(connection, connector, removals, now)


def hasten(connection: sa.Connection, connector: str, assets: Iterable[SourceAsset], now: datetime) -> None:
    """Have those of these assets that are to be carried claimed before all that came from listings."""
    moments = {each.source_id: now + timedelta(microseconds=n) for n, each in enumerate(assets)}
    if not moments:
        return
    page = bind_page(connection, {t.c.source_id: [*moments], t.c.due_at: [*moments.values()]})
    mine = (
        t.c.connector == connector,
        t.c.state.in_([RowState.DUE, RowState.RUNNING]),
        sa.not_(t.c.is_urgent),
    )
    moment = sa.select(page.c.due_at).where(page.c.source_id == t.c.source_id).scalar_subquery()
    update = sa.update(t).where(*mine, t.c.source_id.in_(sa.select(page.c.source_id)))
    connection.execute(update.values(due_at=moment, is_urgent=True))


def _adopt(
    connection: sa.Connection,
    connector: str,
    assets: Iterable[SourceAsset],
    found: Mapping[str, str],
    now: datetime,
) -> None:
    """Insert new assets that the portal has already as pushed rows."""
    chosen = sorted(assets, key=lambda asset: asset.source_id)
    targets = [found[asset.source_id] for asset in chosen]
    given = {
        t.c.target_id: targets,
        t.c.result: [dump_result(PushResult(target)) for target in targets],
        t.c.fingerprint_carried: [asset.fingerprint for asset in chosen],
    }
    _upsert(connection, connector, chosen, now, given, state=RowState.PUSHED, reason="found in the portal")


def _upsert(
    connection: sa.Connection,
    connector: str,
    assets: Sequence[SourceAsset],
    now: datetime,
    given: Mapping[sa.Column[Any], Sequence[Any]],
    **same: str,
) -> None:
    """Insert or update the rows of these assets in one statement.

    Args:
        given: further values of each row, by column.
        same: values that are the same in all rows.
    """
    if not assets:
        return
    records = [pack(text_of(asset.raw)) for asset in assets]
    page = bind_page(
        connection,
        {
            t.c.source_id: [asset.source_id for asset in assets],
            t.c.fingerprint_seen: [asset.fingerprint for asset in assets],
            t.c.title: [asset.title for asset in assets],
            t.c.raw: [text for text, _ in records],
            t.c.raw_packed: [packed for _, packed in records],
            **given,
        },
    )
    alike = {"connector": connector, "listed_at": now, "updated_at": now, **same}
    constants = [sa.literal(value, t.c[name].type) for name, value in alike.items()]
    # SQLite cannot parse an upsert of a query without a condition.
    rows = sa.select(*page.c, *constants).where(sa.true())
    insert = insert_into(connection, t).from_select([*page.c.keys(), *alike], rows)
    new = insert.excluded
    is_changed = sa.and_(
        new.fingerprint_seen != t.c.fingerprint_seen,
        new.fingerprint_seen.is_distinct_from(t.c.fingerprint_after),
    )
    was_refused = t.c.fingerprint_seen == REFUSED
    where = sa.or_(was_refused, t.c.fingerprint_seen.startswith(REMOVAL), is_changed)
    connection.execute(
        insert.on_conflict_do_update(index_elements=list(t.primary_key), set_=_changes(new), where=where)
    )


def _requeue_skipped(
    connection: sa.Connection, connector: str, assets: Sequence[SourceAsset], now: datetime
) -> None:
    if assets:
        page = bind_page(connection, {t.c.source_id: [asset.source_id for asset in assets]})
        skipped = (t.c.connector == connector, t.c.state == RowState.SKIPPED)
        values = {"state": RowState.DUE, "due_at": now, "attempts": 0, "reason": "", "updated_at": now}
        update = sa.update(t).where(*skipped, t.c.source_id.in_(sa.select(page.c.source_id)))
        connection.execute(update.values(values))


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
        "last_requests": None,
        "due_at": None,
        "fingerprint_seen": REFUSED,
        "is_urgent": False,
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
    return changes | {
        name: new[name] for name in ("fingerprint_seen", "title", "raw", "raw_packed", "listed_at")
    }
