"""Assets with the tag, as the portal shows them now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from damlink import AssetRejectedError, Context, NotYet, Removed, SourceAsset
from damlink.bynder import Asset, download_roles, reject_undownloadable
from damlink.errors import BynderError
from damlink_gelato import transform
from damlink_gelato.transform import File, Original

__all__ = ["list_tagged", "prepare", "select"]

# Assets of one page. With small pages the first transfers begin while the next page is listed.
PAGE: Final = 100
NOT_FOUND: Final = 404


def list_tagged(ctx: Context) -> Iterator[SourceAsset]:
    """Yield every asset with the tag, oldest first.

    The portal filters the list if the tag can be a parameter: its parameter is a list with commas.
    """
    tag: str = ctx.settings.tag
    tags = None if "," in tag or tag != tag.strip() else [tag]
    assets = ctx.bynder.assets.list(tags=tags, include_version_number=True, limit=PAGE)
    for asset in assets:
        yield from select(ctx, asset)


def select(ctx: Context, asset: Asset) -> Iterator[SourceAsset]:
    """Yield the asset if it has the tag. Read it again if the list does not contain its version."""
    if transform.is_chosen(asset, ctx.settings.tag):
        known = asset if asset.active_version else ctx.bynder.assets.find(asset.id, versions=True) or asset
        yield transform.source_asset(asset, transform.fingerprint(known))


def prepare(ctx: Context, source: SourceAsset) -> File | Removed:
    """Return the asset's active original, if the portal still has the asset, and the asset its tag.

    Raises:
        NotYet: it does not have the tag now; the tag can come back.
        AssetRejectedError: the portal shows no original of it.
    """
    asset = ctx.bynder.assets.find(source.source_id, versions=True)
    if asset is None:
        return Removed(source.source_id, "it is not in the portal any more")
    if not transform.is_chosen(asset, ctx.settings.tag):
        raise NotYet(f"its tag {ctx.settings.tag!r} was taken off, or it was archived")
    original = transform.original(asset)
    if original is None:
        raise AssetRejectedError("the portal shows no original of it")
    content = ctx.bynder.assets.content(
        asset.id,
        item_id=_find_item(ctx, asset, original),
        filename=original.filename,
        size=original.size or None,
        media_type=original.media_type,
    )
    return transform.file(asset, original, content)


def _find_item(ctx: Context, asset: Asset, original: Original) -> str | None:
    """Return the id of this very original, since another version may be active when its bytes are sent.

    `None` if they are not sent, or if the portal offers originals by the id of the asset alone, as some do.
    """
    if ctx.settings.mode != "push" or not original.item_id:
        return None
    try:
        with reject_undownloadable(download_roles(asset)):
            ctx.bynder.assets.download(asset.id, item_id=original.item_id)
    except BynderError as error:
        if error.status != NOT_FOUND:
            raise
        return None
    return original.item_id
