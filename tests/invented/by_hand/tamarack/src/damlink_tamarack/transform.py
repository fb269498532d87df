"""Conversion of a row of Tamarack to a source asset and to an asset of the portal."""

from __future__ import annotations

import attrs
from damlink import Content, Context, PreparedAsset, Skip, SourceAsset

from damlink_tamarack.api import Item
from damlink_tamarack.settings import TamarackSettings

__all__ = ["prepare", "source_asset"]


def source_asset(item: Item) -> SourceAsset:
    """Return the source asset of a row, as the ledger keeps it."""
    record = attrs.asdict(item)
    return SourceAsset(item.id, item.updated, item.headline, record)


def prepare(ctx: Context[TamarackSettings], source: SourceAsset) -> PreparedAsset | Skip:
    """Return name, tags and content of a row. The tag with its id finds the asset after a lost answer."""
    item = Item(**source.raw)
    if item.embargo:
        return Skip("it is under embargo")
    return PreparedAsset(
        Content.from_url(ctx.http, f"/v3/media/{item.id}/original", item.filename),
        name=item.headline,
        copyright=item.credit or "",
        tags=("Tamarack", *item.keywords, item.id),
        content_fingerprint=item.sha,
    )
