"""What the portal tells of assets, as types.

Source: Bynder's published definition of assets, and what its portals are seen to answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from damlink.bynder.records.convert import (
    find,
    flag,
    ids,
    moment,
    number,
    records,
    text,
    texts,
    texts_by_name,
)
from damlink.errors import TransientError

__all__ = ["Asset", "AssetPage", "Download", "MediaItem", "PublicLinks", "SimilarAsset", "TrashedAsset"]


@attrs.frozen(kw_only=True)
class MediaItem:
    """One file of an asset: an original of some version, a derivative, an additional.

    Attributes:
        type: `original`, `additional`, `web`, …
        version: counted from 1; 0 where the portal does not say.
        size: bytes; 0 where the portal does not say.
        width: pixels, as `height`; 0 for what is no picture.
    """

    id: str
    type: str
    filename: str
    version: int
    active: bool
    size: int
    width: int = 0
    height: int = 0
    created: datetime | None
    url: str = ""
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> MediaItem:
        """From the portal's JSON."""
        return cls(
            id=text(raw.get("id")),
            type=text(raw.get("type")),
            filename=text(raw.get("fileName") or raw.get("name")),
            version=number(raw.get("version")),
            active=flag(raw.get("active")),
            size=number(raw.get("size")),
            width=number(raw.get("width")),
            height=number(raw.get("height")),
            created=moment(raw.get("dateCreated")),
            url=text(raw.get("publicUrl")),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class Asset:
    """One asset of the asset bank.

    Attributes:
        type: `image`, `document`, `audio`, `video` or `3d`.
        filename: of the original; empty on portals that do not tell it.
        size: bytes of the original.
        width: pixels, as `height`; 0 for what is no picture, and for some videos.
        option_ids: of every option that any metaproperty has.
        thumbnails: addresses by name: `mini`, `thul`, `webimage`, and the portal's own.
        transform_base_url: where transformations of it are asked for.
        items: its files, where they were asked for.
        raw: all that the portal said.
    """

    id: str
    name: str
    type: str
    description: str
    copyright: str
    tags: tuple[str, ...]
    brand_id: str
    extension: str
    filename: str
    size: int
    width: int
    height: int
    orientation: str
    created: datetime | None
    modified: datetime | None
    published: datetime | None
    is_archived: bool
    is_limited: bool
    is_public: bool
    is_watermarked: bool
    option_ids: tuple[str, ...]
    thumbnails: Mapping[str, str] = attrs.field(repr=False, eq=False)
    transform_base_url: str
    items: tuple[MediaItem, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Asset:
        """From the portal's JSON."""
        return cls(
            id=text(raw.get("id")),
            name=text(raw.get("name")),
            type=text(raw.get("type")),
            description=text(raw.get("description")),
            copyright=text(raw.get("copyright")),
            tags=texts(raw.get("tags")),
            brand_id=text(raw.get("brandId")),
            extension=text(raw.get("extension")),
            filename=text(raw.get("fileName")),
            size=number(raw.get("fileSize")),
            width=number(raw.get("width")),
            height=number(raw.get("height")),
            orientation=text(raw.get("orientation")),
            created=moment(raw.get("dateCreated")),
            modified=moment(raw.get("dateModified")),
            published=moment(raw.get("datePublished")),
            is_archived=flag(find(raw, "archive")),
            is_limited=flag(find(raw, "limited")),
            is_public=flag(find(raw, "isPublic")),
            is_watermarked=flag(find(raw, "watermarked")),
            option_ids=ids(raw.get("propertyOptions")),
            thumbnails=texts_by_name(raw.get("thumbnails")),
            transform_base_url=text(raw.get("transformBaseUrl")),
            items=tuple(map(MediaItem.read, records(raw.get("mediaItems")))),
            raw=raw,
        )

    def values_of(self, name: str) -> tuple[str, ...]:
        """The values of a metaproperty, by its database name: names of options, or its text."""
        return texts(self.raw.get(f"property_{name}"))

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """The values of every metaproperty that the portal shows, by database name."""
        names = (key.removeprefix("property_") for key in self.raw if key.startswith("property_"))
        return {name: self.values_of(name) for name in names}

    @property
    def active_version(self) -> int:
        """The number of the active original; 0 if neither it nor the items were asked for."""
        originals = [item for item in self.items if item.type == "original"]
        active = [item.version for item in originals if item.active]
        known = active or [item.version for item in originals]
        return max(known, default=number(self.raw.get("activeVersion")))


@attrs.frozen(kw_only=True)
class AssetPage:
    """One page of a list of assets.

    Attributes:
        total: how many assets there are on all pages; `None` if it was not asked for.
        count: how many there are of each kind (`type`, `orientation`, `tags`, …); `None` if it was
            not asked for.
        cursor: what asks for the page behind this one; `None` where the portal has no cursors.
    """

    assets: tuple[Asset, ...]
    total: int | None = None
    count: Mapping[str, Any] | None = attrs.field(default=None, eq=False)
    cursor: str | None = None

    @classmethod
    def read(cls, raw: Any, cursor: str | None = None) -> AssetPage:
        """From the portal's JSON: a list, or an object with totals in either of their two forms."""
        if not isinstance(raw, Mapping):
            return cls(assets=_assets(raw), cursor=cursor)
        count, total = raw.get("count"), raw.get("total")
        if isinstance(count, Mapping):
            known = count.get("total")
        else:
            count, known = None, total.get("count") if isinstance(total, Mapping) else total
        known = None if known is None else number(known)
        return cls(assets=_assets(raw.get("media")), total=known, count=count, cursor=cursor)


def _assets(raw: Any) -> tuple[Asset, ...]:
    return tuple(map(Asset.read, records(raw if isinstance(raw, Sequence) else ())))


@attrs.frozen
class Download:
    """Where a file can be fetched for a short while, without credentials.

    Attributes:
        url: temporary; as good as a key, so never to be logged.
        disclaimer: what a person is to be shown before, as HTML; often empty.
    """

    url: str = attrs.field(repr=False)
    disclaimer: str = ""

    @classmethod
    def read(cls, raw: Any) -> Download:
        """From the portal's JSON.

        Raises:
            TransientError: it names no address.
        """
        url = text(raw.get("s3_file")) if isinstance(raw, Mapping) else ""
        if not url:
            raise TransientError("the portal named no address for the download")
        return cls(url, text(raw.get("disclaimer")))


@attrs.frozen(kw_only=True)
class TrashedAsset:
    """An asset in the trash, which keeps it for 30 days."""

    id: str
    name: str
    removed: datetime | None
    created: datetime | None
    username: str
    user_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> TrashedAsset:
        """From the portal's JSON."""
        return cls(
            id=text(raw.get("id")),
            name=text(raw.get("name")),
            removed=moment(raw.get("dateRemoved")),
            created=moment(raw.get("dateCreated")),
            username=text(raw.get("username")),
            user_id=text(raw.get("userId")),
            raw=raw,
        )


@attrs.frozen
class PublicLinks:
    """Where a video is streamed from."""

    hls: str
    dash: str
    embed_code: str
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> PublicLinks:
        """From the portal's JSON."""
        return cls(text(raw.get("hls")), text(raw.get("dash")), text(raw.get("embedCode")), raw)


@attrs.frozen
class SimilarAsset:
    """An asset that looks like what was asked for, and how much: the higher, the more."""

    asset_id: str
    score: float
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> SimilarAsset:
        """From the portal's JSON."""
        score = raw.get("similarityScore")
        return cls(text(raw.get("assetId")), float(score) if isinstance(score, int | float) else 0.0, raw)
