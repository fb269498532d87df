"""Records of assets.

Source: Bynder's published definition of assets, and answers of portals.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import attrs

from damlink._content import Content
from damlink.bynder.records.convert import ids, number, records, text, texts
from damlink.bynder.records.record import Key, Record
from damlink.errors import TransientError

__all__ = ["Asset", "AssetPage", "Download", "MediaItem", "PublicLinks", "SimilarAsset", "TrashedAsset"]


@attrs.frozen(kw_only=True, slots=False)
class MediaItem(Record):
    """One file of an asset: the original of a version, a derivative, or an additional file.

    Attributes:
        type: `original`, `additional`, `web`, …
        version: counted from 1; 0 if the portal does not say.
        size: bytes; 0 if the portal does not say.
        width: pixels, like `height`; 0 for a file that is not a picture.
    """

    id: str
    type: str
    filename: Annotated[str, Key("fileName", "name")]
    version: int
    active: bool
    size: int
    width: int = 0
    height: int = 0
    created: Annotated[datetime | None, Key("dateCreated")]
    url: Annotated[str, Key("publicUrl")] = ""
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)


@attrs.frozen(kw_only=True, slots=False)
class Asset(Record):
    """One asset of the asset bank.

    Attributes:
        type: `image`, `document`, `audio`, `video` or `3d`.
        filename: name of the original; empty if the portal does not send it.
        size: bytes of the original.
        width: pixels, like `height`; 0 for an asset that is not a picture, and for some videos.
        option_ids: ids of the options of all metaproperties.
        thumbnails: addresses by name: `mini`, `thul`, `webimage`, and the portal's own.
        transform_base_url: address for transformations of the asset.
        items: files of the asset, if they were requested.
        raw: the portal's whole record.
    """

    id: str
    name: str
    type: str
    description: str
    copyright: str
    tags: tuple[str, ...]
    brand_id: str
    extension: str
    filename: Annotated[str, Key("fileName")]
    size: Annotated[int, Key("fileSize")]
    width: int
    height: int
    orientation: str
    created: Annotated[datetime | None, Key("dateCreated")]
    modified: Annotated[datetime | None, Key("dateModified")]
    published: Annotated[datetime | None, Key("datePublished")]
    is_archived: Annotated[bool, Key("archive")]
    is_limited: Annotated[bool, Key("limited")]
    is_public: bool
    is_watermarked: Annotated[bool, Key("watermarked")]
    option_ids: Annotated[tuple[str, ...], Key("propertyOptions"), ids]
    thumbnails: Mapping[str, str] = attrs.field(repr=False, eq=False)
    transform_base_url: str
    items: Annotated[tuple[MediaItem, ...], Key("mediaItems")]
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)

    def values_of(self, name: str) -> tuple[str, ...]:
        """Return the values of a metaproperty, by its database name: names of options, or its text."""
        return texts(self.raw.get(f"property_{name}"))

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """Return the values of every metaproperty in the record, by database name."""
        names = (key.removeprefix("property_") for key in self.raw if key.startswith("property_"))
        return {name: self.values_of(name) for name in names}

    @property
    def active_originals(self) -> tuple[MediaItem, ...]:
        """Active originals among the items; all originals if the portal marks none as active."""
        originals = tuple(item for item in self.items if item.type == "original")
        return tuple(item for item in originals if item.active) or originals

    @property
    def active_version(self) -> int:
        """Return the version of the active original; 0 if neither it nor the items were requested."""
        known = [item.version for item in self.active_originals]
        return max(known, default=number(self.raw.get("activeVersion")))


@attrs.frozen(kw_only=True)
class AssetPage:
    """One page of a list of assets.

    Attributes:
        total: number of assets on all pages; `None` if it was not requested.
        count: number of assets of each kind (`type`, `orientation`, `tags`, …); `None` if it was not
            requested.
        cursor: requests the next page; `None` if the portal has no cursors.
    """

    assets: tuple[Asset, ...]
    total: int | None = None
    count: Mapping[str, Any] | None = attrs.field(default=None, eq=False)
    cursor: str | None = None

    def __iter__(self) -> Iterator[Asset]:
        return iter(self.assets)

    def __len__(self) -> int:
        return len(self.assets)

    @property
    def items(self) -> tuple[Asset, ...]:
        """The assets, as every page has its records."""
        return self.assets

    @property
    def next_cursor(self) -> str | None:
        """The cursor, as every page has it."""
        return self.cursor

    @classmethod
    def read(cls, raw: Any, cursor: str | None = None) -> AssetPage:
        """Return a page from a list, or from an object with totals in either of their two forms."""
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


@attrs.frozen(slots=False)
class Download:
    """A temporary address of a file, and the file itself: see `save`.

    Attributes:
        url: works without credentials, so it must never be logged.
        disclaimer: HTML that a person must see before the download; often empty.
    """

    url: str = attrs.field(repr=False)
    disclaimer: str = ""

    @classmethod
    def read(cls, raw: Any) -> Download:
        """Return the address in the portal's JSON.

        Raises:
            TransientError: the JSON contains no address.
        """
        url = text(raw.get("s3_file")) if isinstance(raw, Mapping) else ""
        if not url:
            raise TransientError("the portal named no address for the download")
        return cls(url, text(raw.get("disclaimer")))

    def open_by(self, content: Content) -> Download:
        """Return this download, whose file is read from a content."""
        object.__setattr__(self, "_file", content)
        return self

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file to a path, and return the path; see `Content.save`.

        The file is renamed to its name when it is complete and verified, and a failure leaves nothing behind.
        If the address expires meanwhile, a new one is requested.

        Args:
            path: of the file, or of a folder, in which it gets the asset's own name.
        """
        content: Content = self.__dict__["_file"]
        return content.save(path)


@attrs.frozen(kw_only=True, slots=False)
class TrashedAsset(Record):
    """An asset in the trash, which keeps assets for 30 days."""

    id: str
    name: str
    removed: Annotated[datetime | None, Key("dateRemoved")]
    created: Annotated[datetime | None, Key("dateCreated")]
    username: str
    user_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False, eq=False)


@attrs.frozen(slots=False)
class PublicLinks(Record):
    """Public addresses of a video stream."""

    hls: str
    dash: str
    embed_code: str
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


def _score(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


@attrs.frozen(slots=False)
class SimilarAsset(Record):
    """A result of a similarity search; a higher score means more similar."""

    asset_id: str
    score: Annotated[float, Key("similarityScore"), _score]
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)
