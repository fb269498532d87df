"""A Bynder asset as a source asset, and as a file for Gelato. No I/O."""

from __future__ import annotations

import hashlib
import mimetypes

import attrs

from damlink import Content, PreparedAsset, SourceAsset
from damlink.bynder import Asset, MediaItem

__all__ = [
    "File",
    "Original",
    "file",
    "fingerprint",
    "idempotency_key",
    "is_chosen",
    "original",
    "source_asset",
]


@attrs.frozen
class Original:
    """The active original of an asset: which file exactly goes to Gelato."""

    item_id: str
    version: int
    size: int
    filename: str

    @property
    def media_type(self) -> str:
        """As the file's name tells it."""
        return mimetypes.guess_type(self.filename)[0] or "application/octet-stream"


@attrs.frozen
class File(PreparedAsset):
    """A prepared asset that knows which original it is.

    Attributes:
        fingerprint: of the asset as it was read for this.
        role: what else than the right to download originals it takes to download this one.
    """

    original: Original = attrs.field(kw_only=True)
    fingerprint: str = attrs.field(kw_only=True, default="")
    role: str = attrs.field(kw_only=True, default="")


def is_chosen(asset: Asset, tag: str) -> bool:
    """Whether it has the tag, letter by letter, and is not archived. The portal's filter may be looser."""
    return tag in asset.tags and not asset.is_archived


def fingerprint(asset: Asset) -> str:
    """Changes with the active original alone: neither metadata nor our own link make a file another one."""
    if asset.active_version:
        return f"version {asset.active_version}"
    found = original(asset)
    return f"item {found.item_id}" if found else "no original"


def source_asset(asset: Asset, fingerprint: str) -> SourceAsset:
    """What the ledger keeps of a tagged asset."""
    return SourceAsset(asset.id, fingerprint, asset.name, {"name": asset.name, "type": asset.type})


def original(asset: Asset) -> Original | None:
    """The active original of an asset read with its versions; `None` where the portal shows none."""
    originals = [item for item in asset.items if item.type == "original"]
    active = [item for item in originals if item.active] or originals
    if not active:
        return None
    item = max(active, key=lambda each: each.version)
    return Original(item.id, item.version, item.size or asset.size, _filename(asset, item))


def _filename(asset: Asset, item: MediaItem) -> str:
    extension = f".{asset.extension}" if asset.extension else ""
    return item.filename or asset.filename or f"{asset.name}{extension}"


def file(asset: Asset, chosen: Original, content: Content) -> File:
    """The asset as Gelato is to have it."""
    name, mark = asset.name or chosen.filename, fingerprint(asset)
    return File(content, name=name, original=chosen, fingerprint=mark, role=_role(asset))


def _role(asset: Asset) -> str:
    """Source: Bynder's published definition of the download (roles by the asset's state)."""
    if asset.is_limited:
        return "KEYVISUALSDOWNLOAD"
    return "DOWNLOADWATERMARK" if asset.is_watermarked else ""


def idempotency_key(account_id: str, asset_id: str, item_id: str) -> str:
    """The same for the same original in the same account, whenever it is sent.

    Source: assumed; see docs/reference/assumptions.md.
    """
    return hashlib.sha256(f"{account_id}|{asset_id}|{item_id}".encode()).hexdigest()
