"""A listing becomes rows: in batches, with the cursor behind them in the same transaction."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Final

from damlink._assembly import Assembled
from damlink._model import Cursor, SourceAsset
from damlink._observer import Observer
from damlink._state import Ledger, Listed, Progress

__all__ = ["existing_in_portal", "list_into", "starting_point"]

BATCH_ROWS: Final = 200
BATCH_SECONDS: Final = 1.0  # an asset is not kept from the workers for longer


def starting_point(progress: Progress, selection: str, *, full: bool) -> str | None:
    """Where a listing begins: after the last cursor, or at the beginning if the selection changed."""
    return None if full or progress.selection != selection else progress.cursor


def existing_in_portal(work: Assembled, progress: Progress) -> Mapping[str, str]:
    """What the portal has already, until a connector has listed everything once: asset ids by tag.

    A source asset whose id is among the tags of an asset that the plugin marks as its own is there.
    """
    tag = work.connector.about.adopt_tag
    if not tag or progress.completed is not None or not work.config.adopt_existing:
        return {}
    return {each: asset.id for asset in work.portal.assets.list(tags=tag) for each in asset.tags}


def list_into(
    ledger: Ledger,
    work: Assembled,
    *,
    full: bool,
    observer: Observer,
    is_stopped: Callable[[], bool],
) -> None:
    """Walk the listing to its end, or until the run is stopped.

    Raises:
        ConnectorError: whatever the listing raised, on any of its pages.
    """
    selection, progress = work.selection, ledger.progress()
    since = starting_point(progress, selection, full=full)
    rejudge = progress.completed not in (None, selection)
    found = existing_in_portal(work, progress)
    batch: list[SourceAsset] = []
    flushed_at = time.monotonic()

    def flush(cursor: str | None = None) -> None:
        nonlocal flushed_at
        listed = Listed(tuple(batch), cursor, found, rejudge)
        observer.listed(ledger.record(listed, selection, work.context.now()))
        batch.clear()
        flushed_at = time.monotonic()

    with contextlib.closing(work.connector.list_source_assets(work.context, since)) as items:
        for item in items:
            if is_stopped():
                return
            if isinstance(item, Cursor):
                flush(item.value)
                continue
            batch.append(item)
            if len(batch) >= BATCH_ROWS or time.monotonic() - flushed_at >= BATCH_SECONDS:
                flush()
    if batch:
        flush()
    ledger.complete(selection, work.context.now())
    observer.listing_done()
