"""Conversion of a Bynder asset to a source asset and to a file for Gelato. No I/O."""

from __future__ import annotations

import hashlib
import mimetypes

import attrs

from damlink import Content, PreparedAsset, SourceAsset
from damlink.bynder import Asset, MediaItem, Role, download_roles

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
    """Active original of an asset: the file for Gelato."""

    item_id: str
    version: int
    size: int
    filename: str

    @property
    def media_type(self) -> str:
        """Return the type by the extension of the file's name."""
        return mimetypes.guess_type(self.filename)[0] or "application/octet-stream"


@attrs.frozen
class File(PreparedAsset):
    """Prepared asset with its original.

    Attributes:
        fingerprint: of the asset, at the time it was read for this file.
        roles: roles that the download of this file needs, beside the role for originals.
    """

    original: Original = attrs.field(kw_only=True)
    fingerprint: str = attrs.field(kw_only=True, default="")
    roles: tuple[Role, ...] = attrs.field(kw_only=True, default=())


def is_chosen(asset: Asset, tag: str) -> bool:
    """Return whether an asset has the tag exactly, and is not archived. The portal's filter may be looser."""
    return tag in asset.tags and not asset.is_archived


def fingerprint(asset: Asset) -> str:
    """Return a text that changes with the active original only, not with metadata or the link."""
    if asset.active_version:
        return f"version {asset.active_version}"
    found = original(asset)
    return f"item {found.item_id}" if found else "no original"


def source_asset(asset: Asset, fingerprint: str) -> SourceAsset:
    """Return the source asset of a tagged asset, as the ledger keeps it."""
    return SourceAsset(asset.id, fingerprint, asset.name, {"name": asset.name, "type": asset.type})


def original(asset: Asset) -> Original | None:
    """Return the active original of an asset that was read with its versions; `None` if it has none."""
    item = max(asset.active_originals, key=lambda each: each.version, default=None)
    if item is None:
        return None
    return Original(item.id, item.version, item.size or asset.size, _filename(asset, item))


def _filename(asset: Asset, item: MediaItem) -> str:
    extension = f".{asset.extension}" if asset.extension else ""
    return item.filename or asset.filename or f"{asset.name}{extension}"


def file(asset: Asset, chosen: Original, content: Content) -> File:
    """Return the file for Gelato."""
    name, mark = asset.name or chosen.filename, fingerprint(asset)
    return File(content, name=name, original=chosen, fingerprint=mark, roles=download_roles(asset))


def idempotency_key(account_id: str, asset_id: str, item_id: str) -> str:
    """Return a key that is always the same for the same original in the same account.

    Source: assumed; see docs/reference/assumptions.md.
    """
    return hashlib.sha256(f"{account_id}|{asset_id}|{item_id}".encode()).hexdigest()
