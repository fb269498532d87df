"""Assets with the tag, as the portal shows them now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from damlink import Context, Event, Removed, SourceAsset
from damlink.bynder import Asset
from damlink_juniper.settings import JuniperSettings

__all__ = ["fingerprint", "list_tagged", "reason_gone", "select_event"]

PAGE: Final = 100


def list_tagged(ctx: Context[JuniperSettings]) -> Iterator[SourceAsset | Removed]:
    """Yield every asset with the tag, oldest first; then what was delivered and is without it now."""
    seen = set()
    for asset in ctx.bynder.assets.list(tags=[ctx.settings.tag], include_version_number=True, limit=PAGE):
        seen.add(asset.id)
        yield _select(ctx, asset.id, asset)
    for entry in ctx.ledger.list_delivered():
        if entry.source_id not in seen and entry.state != "removed":
            # The list of a portal may be late; an asset itself is not.
            yield _select(ctx, entry.source_id, ctx.bynder.assets.find(entry.source_id, versions=True))


def select_event(ctx: Context[JuniperSettings], event: Event) -> SourceAsset | Removed:
    """Return the asset of an event, as it is now, whatever the event."""
    return _select(ctx, event.asset_id, Asset.read(event.asset) if event.asset else None)


def reason_gone(ctx: Context[JuniperSettings], asset: Asset | None) -> str:
    """Return why an asset does not belong to Juniper; empty if it does."""
    if asset is None:
        return "it is not in the portal any more"
    if asset.is_archived:
        return "it is archived"
    return "" if ctx.settings.tag in asset.tags else f"it has no tag {ctx.settings.tag!r} any more"


def fingerprint(version: int | None) -> str:
    """Return the fingerprint of an asset's bytes, which changes with its active version only."""
    return f"version {version}"


def _select(ctx: Context[JuniperSettings], asset_id: str, asset: Asset | None) -> SourceAsset | Removed:
    """Return the asset, or that it is removed, which counts if it was delivered before."""
    gone = reason_gone(ctx, asset)
    if asset is None or gone:
        return Removed(asset_id, gone)
    known = asset if asset.active_version else ctx.bynder.assets.find(asset.id, versions=True) or asset
    return SourceAsset(asset.id, f"{fingerprint(known.active_version)}, {asset.name}", asset.name)
