"""Which assets of the portal there are to mark, and what tells that one of them has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from damlink import Context, Cursor, Event, NotYet, SourceAsset
from damlink.bynder import Asset
from damlink.errors import BynderError
from damlink_imatag.filters import query_of

__all__ = ["fingerprint", "of_event", "present", "walk"]

OVERLAP: Final = timedelta(minutes=15)  # two clocks, and lists that lag behind; repeats cost nothing
NOT_FOUND: Final = 404
ANSWERED_BY_ASSET: Final = frozenset({"tags", "type"})  # filters that need no search
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
    """Yield the asset of an event, as it is now, if the filters select it.

    The portal's search lags behind changes: it is asked only for filters that the asset itself cannot answer,
    and once it shows the change.

    Raises:
        NotYet: the search may not show the change yet.
    """
    asset = present(ctx, event.asset_id) if event.asset is not None else None
    query = query_of(ctx)
    if asset is None or not _may_be_listed(asset, query):
        return
    if set(query) <= ANSWERED_BY_ASSET or _is_found(ctx, event, query):
        yield from _made_due(asset)


def present(ctx: Context, asset_id: str) -> Asset | None:
    """Return an asset as it is now, with its versions; `None` where it is gone."""
    try:
        return ctx.bynder.assets.get(asset_id, versions=True)
    except BynderError as error:
        if error.status != NOT_FOUND:
            raise
        return None


def _is_found(ctx: Context, event: Event, query: Mapping[str, Any]) -> bool:
    """Ask the portal's search whether the filters select the asset of an event."""
    early = event.occurred_at + timedelta(seconds=ctx.bynder.index_lag) - ctx.now()
    if early > timedelta():
        raise NotYet("the portal's search may not show the change yet", early.total_seconds())
    return any(True for _ in ctx.bynder.assets.list(**{**query, "ids": [event.asset_id]}))


def _may_be_listed(asset: Asset, query: Mapping[str, Any]) -> bool:
    """Return whether nothing about the asset itself rules it out. Archived ones are not listed by default."""
    return (not asset.is_archived or "archive" in query) and _is_markable(asset) and _fits(asset, query)


def _is_markable(asset: Asset) -> bool:
    return asset.type not in UNMARKABLE


def _source_assets(ctx: Context, asset: Asset, query: Mapping[str, Any]) -> Iterator[SourceAsset]:
    if _is_markable(asset) and _fits(asset, query):
        complete = asset if fingerprint(asset) else present(ctx, asset.id)
        yield from _made_due(complete) if complete else ()


def _made_due(asset: Asset) -> Iterator[SourceAsset]:
    """Yield an asset, unless nothing tells which of its originals is the active one."""
    if shown := fingerprint(asset):
        yield SourceAsset(asset.id, shown, asset.name, {"type": asset.type, "size": asset.size})


def _fits(asset: Asset, query: Mapping[str, Any]) -> bool:
    """Whether it has all the tags, and is of a type asked for: a portal's list may be looser than that."""
    tags = {tag.casefold() for tag in asset.tags}
    return tags.issuperset(tag.casefold() for tag in query.get("tags", ())) and (
        not asset.type or asset.type in query.get("type", (asset.type,))
    )


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
