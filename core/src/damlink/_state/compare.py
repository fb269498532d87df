"""Comparison of a listed asset with its row, for `run` and `plan` alike."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from damlink._model import SourceAsset
from damlink._state.rows import Row, RowState

__all__ = ["AT_REST", "Comparison", "compare"]

AT_REST: Final = (RowState.PUSHED, RowState.SKIPPED, RowState.REJECTED, RowState.FAILED)
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
    if row is None:
        return Comparison.FOUND if asset.source_id in found else Comparison.NEW
    if row.is_refused or asset.fingerprint not in (row.fingerprint_seen, row.fingerprint_after):
        return Comparison.CHANGED
    if reconsider and row.state is RowState.SKIPPED:
        return Comparison.RECONSIDERED
    return Comparison.UNCHANGED
