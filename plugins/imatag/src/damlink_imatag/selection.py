"""Which assets of the portal there are to mark, and what tells that one of them has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from damlink import Context, Cursor, Event, SourceAsset
from damlink.bynder import Asset
from damlink.errors import BynderError
from damlink_imatag.filters import query_of

__all__ = ["fingerprint", "of_event", "walk"]

OVERLAP: Final = timedelta(minutes=15)  # two clocks, and lists that lag behind; repeats cost nothing
NOT_FOUND: Final = 404
UNMARKABLE: Final = frozenset({"audio", "3d"})  # assumed: there are no pixels in them


def walk(ctx: Context, since: str | None) -> Iterator[SourceAsset | Cursor]:
    """The assets that the filters select; with a cursor only those modified since.

    By their creation, not by their change: while it is walked, our own writing changes assets, and they
    would move from a page still to come to one already read.
    """
    query, begun = query_of(ctx), ctx.now()
    if since and ctx.settings.delta:
        changed = datetime.fromisoformat(since) - OVERLAP
        query["date_modified"] = max(changed, query.get("date_modified", changed))
    listed = ctx.bynder.assets.list(order_by="dateCreated asc", include_version_number=True, **query)
    for asset in listed:
        yield from _source_assets(ctx, asset, query)
    yield Cursor(begun.isoformat())


def of_event(ctx: Context, event: Event) -> Iterator[SourceAsset]:
    """The asset of an event, if the filters select it."""
    if event.asset is None:
        return
    query = query_of(ctx) | {"ids": [event.asset_id]}
    for asset in ctx.bynder.assets.list(include_version_number=True, **query):
        yield from _source_assets(ctx, asset, query)


def _source_assets(ctx: Context, asset: Asset, query: Mapping[str, Any]) -> Iterator[SourceAsset]:
    if asset.type in UNMARKABLE or not _fits(asset, query):
        return
    shown = fingerprint(asset) or _asked(ctx, asset.id)
    if shown:
        yield SourceAsset(asset.id, shown, asset.name, {"type": asset.type, "size": asset.size})


def _fits(asset: Asset, query: Mapping[str, Any]) -> bool:
    """Whether it has all the tags, and is of a type asked for: a portal's list may be looser than that."""
    tags = {tag.casefold() for tag in asset.tags}
    return tags.issuperset(tag.casefold() for tag in query.get("tags", ())) and (
        not asset.type or asset.type in query.get("type", (asset.type,))
    )


def _asked(ctx: Context, asset_id: str) -> str:
    """The fingerprint of an asset whose list does not tell its version; empty where it is gone."""
    try:
        return fingerprint(ctx.bynder.assets.get(asset_id, versions=True))
    except BynderError as error:
        if error.status == NOT_FOUND:
            return ""
        raise


def fingerprint(asset: Asset) -> str:
    """What changes when there is another original, and never by what we write; empty where nothing tells.

    Never the date of change: our own writing moves it.
    """
    version = _version_of(asset)
    return f"{version}-{asset.size}" if version else ""


def _version_of(asset: Asset) -> str:
    """Which original is the active one: by its number, else by the id of its item."""
    if asset.active_version:
        return f"v{asset.active_version}"
    originals = [item for item in asset.items if item.type == "original" and item.id]
    active = [item.id for item in originals if item.active] or [item.id for item in originals]
    return active[-1] if active else ""
