"""The assets of the stand-in and what is said of each.

Source: the Getty Images API v3 definition, its field lists.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import attrs

from damlink_istock.sandbox.product_types import CREDITS, SUBSCRIPTION
from damlink_sandbox import Synthetic

if TYPE_CHECKING:
    from damlink_sandbox import MediaFile

FIRST_ID = 1_400_000_001

ARTISTS = (
    *("Mara Lindqvist", "Smith, Jane", "Tomasz Zieliński", "Ayşe Demir", "Omar Haddad", "Ingrid Solberg"),
    *("Smith, Jane", "Mara Lindqvist", "Rui Almeida", "Papercut & Sons", "Nordlicht Film"),
)


@attrs.frozen
class Size:
    """One of the sizes an asset is to be had in. `height` is `None` for a vector."""

    name: str
    media: MediaFile
    width: int | None
    height: int | None

    @property
    def estimated_bytes(self) -> int:
        """Near the truth and never it: the API promises an estimate. Nothing is rendered for it."""
        if self.media.kind == "image" and self.width and self.height:
            return self.width * self.height // 4
        return self.media.size * 11 // 10


@attrs.define(eq=False, slots=False)
class Asset:
    """One photograph, illustration or film.

    `number` counts from 0 and chooses artist, credit and collection.
    """

    id: str
    number: int
    media: MediaFile
    withdrawn: bool = False
    call_for_image: bool = False

    @property
    def is_video(self) -> bool:
        """Films have endpoints of their own."""
        return self.media.kind == "video"

    @property
    def filename(self) -> str:
        """As the file host names it."""
        return self.id + PurePath(self.media.filename).suffix.lower()

    @property
    def artist(self) -> str:
        """Some with a comma."""
        return ARTISTS[self.number % len(ARTISTS)]

    @property
    def credit_line(self) -> str:
        """Empty for every fourth."""
        return "" if self.number % 4 == 3 else f"{self.artist}/iStock"

    @property
    def title(self) -> str:
        """From the name of the file."""
        return PurePath(self.media.filename).stem.replace("-", " ").capitalize()

    @property
    def is_signature(self) -> bool:
        """Of the dearer of the two collections."""
        return self.number % 3 == 2

    @property
    def credits(self) -> int:
        """Return the price of a standard licence. Source: older price pages of iStock."""
        return (18 if self.is_video else 3) if self.is_signature else (6 if self.is_video else 1)

    @property
    def largest(self) -> Size:
        """The size of the file itself."""
        return self.sizes[0]

    @cached_property
    def sizes(self) -> tuple[Size, ...]:
        """The file itself first. The others are pictures of that name which stand for it."""
        media, (width, height) = self.media, (self.media.width, self.media.height)
        if self.is_video:
            return Size("hd", media, width, height), self._stand_in("lwf", "mov", 320, 180)
        if media.kind == "vector":
            return Size("vector", media, None, None), self._stand_in("x_large", "jpg", 4 * width, 4 * height)
        full = Size("x_large", media, width, height)
        return (full, self._stand_in("medium", "jpg", width // 2, height // 2)) if height > 1 else (full,)

    def _stand_in(self, name: str, ending: str, width: int, height: int) -> Size:
        filename, size = f"{self.id}.{ending}", max(20_000, width * height // 8)
        kind = "video" if self.is_video else "image"
        return Size(name, Synthetic(filename, size, kind, seed=self.number), width, height)

    def record(self) -> dict[str, Any]:
        """Return all fields that any answer can have, `download_sizes` without what the caller's products
        add.
        """
        return _common(self) | (_film(self) if self.is_video else _image(self))

    def download_sizes(self) -> list[dict[str, Any]]:
        """Return the sizes in the form of the metadata calls."""
        return [_film_size(size) if self.is_video else _image_size(size) for size in self.sizes]


def _common(asset: Asset) -> dict[str, Any]:
    code = "ISI" if asset.is_signature else "ESS"
    keyword = {
        "keyword_id": str(60_000 + asset.number),
        "text": asset.title.split()[0],
        "type": "Unspecified",
    }
    return {
        "artist": asset.artist,
        "asset_family": "creative",
        "call_for_image": asset.call_for_image,
        "caption": None if asset.number % 5 == 4 else f"{asset.title}.",
        "collection_code": code,
        "collection_id": 1 + asset.is_signature,
        "collection_name": "Signature" if asset.is_signature else "Essentials",
        "color_type": "color",
        "copyright": asset.artist,
        "date_created": "2025-06-01T00:00:00",
        "date_submitted": "2025-06-03T00:00:00",
        "display_sizes": [],
        "editorial_segments": [],
        "event_ids": [],
        "istock_collection": "signature" if asset.is_signature else "essentials",
        "istock_licenses": [{"license_type": "Standard", "credits": asset.credits}],
        "keywords": [keyword | {"relevance": None, "entity_uris": [], "entity_types": []}],
        "license_model": "royaltyfree",
        "max_dimensions": {"height": asset.media.height, "width": asset.media.width},
        "orientation": "horizontal" if asset.media.width > asset.media.height else "vertical",
        "product_types": [SUBSCRIPTION, CREDITS],
        "quality_rank": 1,
        "title": asset.title,
    }


def _image(asset: Asset) -> dict[str, Any]:
    is_vector = asset.media.kind == "vector"
    style = "illustration" if is_vector else "photography"
    return {"credit_line": asset.credit_line, "artist_title": None, "graphical_style": style}


def _film(asset: Asset) -> dict[str, Any]:
    source = {"source": "iStock" if asset.number % 2 else None, "mastered_to": "QuickTime"}
    return {
        "clip_length": "00:00:01:10",
        "era": None,
        "originally_shot_on": None,
        "shot_speed": "real time",
    } | source


def _image_size(size: Size) -> dict[str, Any]:
    shape = {"name": size.name, "width": size.width, "height": size.height, "dpi": 300}
    return shape | {"bytes": size.estimated_bytes, "media_type": size.media.media_type}


def _film_size(size: Size) -> dict[str, Any]:
    shape = {"name": size.name, "width": size.width, "height": size.height, "bytes": size.estimated_bytes}
    kind = {
        "content_type": size.media.media_type,
        "format": "QuickTime",
        "compression": "Photo-JPEG",
        "bit_depth": "8",
    }
    frames = {"frame_rate": 20.0, "frame_size": f"{size.width}x{size.height}", "interlaced": False}
    return {"description": size.name.upper()} | shape | kind | frames
