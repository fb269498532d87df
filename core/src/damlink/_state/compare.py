"""Comparison of listed assets with their rows, for `run` and `plan` alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._model import SourceAsset
from damlink._state.listed import Listed
from damlink._state.page import bind_page
from damlink._state.rows import REFUSED, REMOVAL, Row, RowState, as_row
from damlink._state.tables import ledger as t

__all__ = ["AT_REST", "Compared", "Comparison", "compare", "compare_listed", "find_rows"]

AT_REST: Final = (
    RowState.PUSHED,
    RowState.SKIPPED,
    RowState.REMOVED,
    RowState.REJECTED,
    RowState.FAILED,
)
"""The states in which another fingerprint makes a row due at once."""


class Comparison(StrEnum):
    """Result of comparing a listed asset with the ledger and the portal."""

    NEW = "new"
    FOUND = "found"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    RECONSIDERED = "reconsidered"
    """Unchanged and skipped, under another selection."""

    def is_carried(self, row: Row | None) -> bool:
        """Return whether the listing makes the asset due. An asset that is due already does not count."""
        if self is Comparison.CHANGED:
            return row is not None and row.state in AT_REST
        return self in (Comparison.NEW, Comparison.RECONSIDERED)


def compare(
    row: Row | None, asset: SourceAsset, found: Mapping[str, str], *, reconsider: bool = False
) -> Comparison:
    """Compare a listed asset with its row. A change caused by our own upload does not count as a change.

    Args:
        found: ids of assets that the portal has already, by source id.
        reconsider: whether skipped rows become due again, because the selection has changed.
    """
    if row is None and asset.fingerprint.startswith(REMOVAL):
        # Nothing of it was carried.
        return Comparison.UNCHANGED
    if row is None:
        return Comparison.FOUND if asset.source_id in found else Comparison.NEW
    after = row.fingerprint_seen if row.is_removal else row.fingerprint_after
    if row.is_refused or asset.fingerprint not in (row.fingerprint_seen, after):
        return Comparison.CHANGED
    if reconsider and row.state is RowState.SKIPPED:
        return Comparison.RECONSIDERED
    return Comparison.UNCHANGED


def _is_unchanged(fingerprint: sa.ColumnElement[Any], *, reconsider: bool) -> sa.ColumnElement[bool]:
    """Return the condition of the rows for which `compare` returns `UNCHANGED`."""
    own_change = sa.and_(
        t.c.fingerprint_after == fingerprint, sa.not_(t.c.fingerprint_seen.startswith(REMOVAL))
    )
    same = sa.or_(t.c.fingerprint_seen == fingerprint, own_change)
    skipped = [t.c.state != RowState.SKIPPED] if reconsider else []
    return sa.and_(t.c.fingerprint_seen != REFUSED, same, *skipped)


@attrs.frozen
class Compared:
    """A listed asset that is not unchanged, with its row if it has one."""

    asset: SourceAsset
    row: Row | None
    comparison: Comparison


def compare_listed(
    connection: sa.Connection, connector: str, listed: Listed, *, held: bool = False
) -> list[Compared]:
    """Compare a batch with the ledger. The database passes over unchanged rows, which are most of them.

    Of an asset that is listed twice the last one counts.

    Args:
        held: lock the rows until the transaction ends, so that a transfer that is just finishing one sees
            the new fingerprint.
    """
    assets = {asset.source_id: asset for asset in listed.assets}
    if not assets:
        return []
    fingerprints = [asset.fingerprint for asset in assets.values()]
    page = bind_page(connection, {t.c.source_id: list(assets), t.c.fingerprint_seen: fingerprints})
    unchanged = _is_unchanged(page.c.fingerprint_seen, reconsider=listed.reconsider_skipped)
    own = sa.and_(t.c.connector == connector, t.c.source_id == page.c.source_id)
    query = sa.select(page.c.source_id, t.c.source_id.is_not(None)).select_from(page.outerjoin(t, own))
    is_known = {
        key: bool(known) for key, known in connection.execute(query.where(unchanged.is_not(sa.true())))
    }
    known = find_rows(connection, connector, [key for key, each in is_known.items() if each], held=held)
    return [
        Compared(asset, row, compared)
        for asset, row in ((asset, known.get(key)) for key, asset in assets.items() if key in is_known)
        if (compared := compare(row, asset, listed.found, reconsider=listed.reconsider_skipped))
        is not Comparison.UNCHANGED
    ]


def find_rows(
    connection: sa.Connection, connector: str, ids: Collection[str], *, held: bool = False
) -> dict[str, Row]:
    """Return a connector's rows with these source ids, by source id; `held` as in `compare_listed`."""
    if not ids:
        return {}
    page = bind_page(connection, {t.c.source_id: list(ids)})
    query = sa.select(t).where(t.c.connector == connector, t.c.source_id.in_(sa.select(page.c.source_id)))
    query = query.order_by(t.c.source_id).with_for_update(of=t) if held else query
    return {record.source_id: as_row(record) for record in connection.execute(query)}
