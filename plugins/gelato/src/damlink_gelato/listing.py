"""Which assets go to Gelato: those with the tag, as the portal shows them now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from damlink import AssetRejectedError, Context, NotYet, Skip, SourceAsset
from damlink.bynder import Asset
from damlink.errors import BynderError
from damlink_gelato import transform
from damlink_gelato.transform import File

__all__ = ["chosen", "prepared", "tagged"]

PAGE: Final = 100  # assets asked for at once; the first are on their way while the next are listed


def tagged(ctx: Context) -> Iterator[SourceAsset]:
    """Yield every asset with the tag, oldest first.

    The portal narrows the list down, if the tag can be asked for: the parameter is a list with commas.
    """
    tag: str = ctx.settings.tag
    tags = None if "," in tag or tag != tag.strip() else [tag]
    assets = ctx.bynder.assets.list(tags=tags, include_version_number=True, limit=PAGE)
    for asset in assets:
        yield from chosen(ctx, asset)


def chosen(ctx: Context, asset: Asset) -> Iterator[SourceAsset]:
    """Yield the asset if it is to go to Gelato. One that does not tell its version is read again."""
    if transform.is_chosen(asset, ctx.settings.tag):
        known = asset if asset.active_version else _read(ctx, asset.id) or asset
        yield transform.source_asset(asset, transform.fingerprint(known))


def _read(ctx: Context, asset_id: str) -> Asset | None:
    """The asset with its versions; `None` if it is gone."""
    try:
        return ctx.bynder.assets.get(asset_id, versions=True)
    except BynderError as error:
        if error.status != 404:
            raise
        return None


def prepared(ctx: Context, source: SourceAsset) -> File | Skip:
    """The asset's active original, if it still is to go to Gelato.

    Raises:
        NotYet: it is not, at present: a tag can come back.
        AssetRejectedError: the portal shows no original of it.
    """
    asset = _read(ctx, source.source_id)
    if asset is None:
        return Skip("it is not in the portal any more")
    if not transform.is_chosen(asset, ctx.settings.tag):
        raise NotYet(f"its tag {ctx.settings.tag!r} was taken off, or it was archived")
    original = transform.original(asset)
    if original is None:
        raise AssetRejectedError("the portal shows no original of it")
    content = ctx.bynder.assets.content(
        asset.id, filename=original.filename, size=original.size or None, media_type=original.media_type
    )
    return transform.file(asset, original, content)
