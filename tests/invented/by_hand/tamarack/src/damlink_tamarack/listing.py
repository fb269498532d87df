"""What there is to carry."""

from __future__ import annotations

from collections.abc import Iterator

from damlink import Context, Cursor, Removed, SourceAsset

from damlink_tamarack import api, transform
from damlink_tamarack.settings import TamarackSettings

__all__ = ["list_changed"]


def list_changed(
    ctx: Context[TamarackSettings], since: str | None
) -> Iterator[SourceAsset | Removed | Cursor]:
    """Yield what has changed since a moment. That moment is included: the fingerprints prevent repeats."""
    for items in api.list_items(ctx.http, ctx.settings.collection, since):
        for item in items:
            withdrawn = item.state == "withdrawn"
            yield Removed(item.id, "withdrawn") if withdrawn else transform.source_asset(item)
        if items:
            yield Cursor(items[-1].updated)
