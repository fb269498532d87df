"""Assets of the portal to mark, and their fingerprints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from damlink import Context, Cursor, Event, NotYet, SourceAsset
from damlink.bynder import Asset
from damlink_imatag.filters import query_of

__all__ = ["fingerprint", "of_event", "walk"]

# The clocks differ, and lists lag behind changes. Listing an asset again is harmless.
OVERLAP: Final = timedelta(minutes=15)
# The asset itself answers these filters, without a search.
ANSWERED_BY_ASSET: Final = frozenset({"tags", "type"})
# Assumed: a mark needs pixels, and these types have none.
UNMARKABLE: Final = frozenset({"audio", "3d"})


def walk(ctx: Context, since: str | None) -> Iterator[SourceAsset | Cursor]:
    """Yield the assets that the filters select; with a cursor only those modified since.

    The list is ordered by creation, not by modification: our own writing modifies assets while the list is
    read, and they would move from a later page to an earlier one.
    """
    # A clock that is ahead must not lead past changes that no later list would contain.
    query, begun = query_of(ctx), min(ctx.now(), ctx.bynder.now())
    if since and ctx.settings.delta:
        changed = min(datetime.fromisoformat(since), begun) - OVERLAP
        query["date_modified"] = max(changed, query.get("date_modified", changed))
    listed = ctx.bynder.assets.list(order_by="dateCreated asc", include_version_number=True, **query)
    for asset in listed:
        yield from _source_assets(ctx, asset, query)
    yield Cursor(begun.isoformat())


def of_event(ctx: Context, event: Event) -> Iterator[SourceAsset]:
    """Yield the asset of an event, as it is now, if the filters select it.

    The portal's search lags behind changes: it is used only for filters that the asset itself cannot answer,
    and only when it shows the change.

    Raises:
        NotYet: the search may not show the change yet.
    """
    asset = ctx.bynder.assets.find(event.asset_id, versions=True) if event.asset is not None else None
    query = query_of(ctx)
    if asset is None or not _may_be_listed(asset, query):
        return
    if set(query) <= ANSWERED_BY_ASSET or _is_found(ctx, event, query):
        yield from _source_asset(asset)


def _is_found(ctx: Context, event: Event, query: Mapping[str, Any]) -> bool:
    """Return whether the portal's search finds the asset of an event with the filters."""
    early = event.occurred_at + timedelta(seconds=ctx.bynder.index_lag) - ctx.now()
    if early > timedelta():
        raise NotYet("the portal's search may not show the change yet", early.total_seconds())
    return any(True for _ in ctx.bynder.assets.list(**{**query, "ids": [event.asset_id]}))


def _may_be_listed(asset: Asset, query: Mapping[str, Any]) -> bool:
    """Return whether the asset itself fits the filters. Archived assets are not listed by default."""
    return (not asset.is_archived or "archive" in query) and _is_markable(asset) and _fits(asset, query)


def _is_markable(asset: Asset) -> bool:
    return asset.type not in UNMARKABLE


def _source_assets(ctx: Context, asset: Asset, query: Mapping[str, Any]) -> Iterator[SourceAsset]:
    if _is_markable(asset) and _fits(asset, query):
        complete = asset if fingerprint(asset) else ctx.bynder.assets.find(asset.id, versions=True)
        yield from _source_asset(complete) if complete else ()


def _source_asset(asset: Asset) -> Iterator[SourceAsset]:
    """Yield an asset, unless the portal does not show its active original."""
    if shown := fingerprint(asset):
        yield SourceAsset(asset.id, shown, asset.name, {"type": asset.type, "size": asset.size})


def _fits(asset: Asset, query: Mapping[str, Any]) -> bool:
    """Return whether an asset has all tags and a wanted type: a portal's list may be looser."""
    tags = {tag.casefold() for tag in asset.tags}
    return tags.issuperset(tag.casefold() for tag in query.get("tags", ())) and (
        not asset.type or asset.type in query.get("type", (asset.type,))
    )


def fingerprint(asset: Asset) -> str:
    """Return a text that changes with the active original only; empty if the portal does not show it.

    The date of modification is not part of it: our own writing changes that.
    """
    version = _version_of(asset)
    return f"{version}-{asset.size}" if version else ""


def _version_of(asset: Asset) -> str:
    """Return the active original's version number, or else the id of its item."""
    if asset.active_version:
        return f"v{asset.active_version}"
    ids = [item.id for item in asset.active_originals if item.id]
    return ids[-1] if ids else ""
