"""Conversion of an iStock record to a source asset and to an asset of the portal. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from damlink import Content, PreparedAsset, SourceAsset
from damlink_istock.api import Metadata, Size
from damlink_istock.listing import Licensed

__all__ = ["TAG", "Choice", "choices", "media_type", "prepare", "source_asset"]

TAG: Final = "iStock"
# A licensed file never changes: another licence of it is not another asset.
FINGERPRINT: Final = "licensed"
_VECTOR_TYPES: Final = ("postscript", "eps", "illustrator")


def source_asset(licensed: Licensed) -> SourceAsset:
    """Return the source asset of a licensed asset, as the ledger keeps it."""
    row, known = licensed.row, licensed.metadata or Metadata(id=licensed.row.id)
    raw = {
        "kind": row.kind,
        "vector": is_vector(known),
        "title": known.title or "",
        "artist": known.artist or "",
        "credit": credit(known),
        "copyright": known.copyright or "",
        "licensed_size": row.size_name or "",
        "licensed_height": row.height,
        "sizes": [[size.name or "", int(size.height or 0)] for size in known.download_sizes or ()],
    }
    return SourceAsset(row.id, FINGERPRINT, known.title or "", raw)


def credit(known: Metadata) -> str:
    """Return the photo credit. For videos, and images without one, build it from the other fields."""
    built = " / ".join(part for part in (known.artist, known.collection_name) if part)
    return known.credit_line or built or known.copyright or ""


def is_vector(known: Metadata) -> bool:
    """Return whether iStock can be expected to have an EPS (assumed from style, sizes and media types)."""
    sizes = known.download_sizes or ()
    return known.graphical_style == "illustration" and any(_is_vector_size(size) for size in sizes)


def _is_vector_size(size: Size) -> bool:
    media_type = (size.media_type or "").lower()
    return (size.name or "").lower() == "vector" or any(word in media_type for word in _VECTOR_TYPES)


@attrs.frozen
class Choice:
    """Parameters of a download request that select a file."""

    query: Mapping[str, Any]


def choices(raw: Mapping[str, Any], wanted: str) -> list[Choice]:
    """Return the files to request: the first, and then the next if iStock does not have it.

    Args:
        wanted: the name of a size; empty: the licensed size. A larger size is never requested.
    """
    if raw["kind"] == "video":
        return [Choice({"size": name}) if (name := _video_size(raw, wanted)) else Choice({})]
    plain = Choice({"file_type": "jpg"} | ({"height": height} if (height := _height(raw, wanted)) else {}))
    return [Choice({"file_type": "eps"}), plain] if raw["vector"] and not wanted else [plain]


def _video_size(raw: Mapping[str, Any], wanted: str) -> str:
    heights = dict(raw["sizes"])
    licensed = raw["licensed_size"]
    if wanted in heights and heights[wanted] <= heights.get(licensed, 0):
        return wanted
    return licensed if licensed in heights else ""


def _height(raw: Mapping[str, Any], wanted: str) -> int:
    """Return the height to request; 0 if the licensed height is unknown."""
    licensed = raw["licensed_height"]
    offered = [height for name, height in raw["sizes"] if height and height <= licensed]
    chosen = [height for name, height in raw["sizes"] if name == wanted and height in offered]
    return max(chosen or offered, default=0)


def media_type(source: SourceAsset) -> str:
    """Return the kind of file to expect. Its name, and so its exact type, is known only from its answer."""
    return f"{source.raw['kind']}/*"


def prepare(source: SourceAsset, content: Content) -> PreparedAsset:
    """Return the asset as the portal shows it."""
    raw = source.raw
    return PreparedAsset(
        content,
        name=raw["title"] or f"iStock {source.source_id}",
        description=raw["credit"],
        copyright=raw["copyright"],
        tags=tuple(str(tag) for tag in (TAG, raw["artist"], source.source_id) if tag),
    )
