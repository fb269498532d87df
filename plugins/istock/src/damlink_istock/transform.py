"""An iStock record as a source asset, and as what people see in the portal. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from damlink import Content, PreparedAsset, SourceAsset
from damlink_istock.api import Metadata, Size
from damlink_istock.listing import Licensed

__all__ = ["TAG", "Choice", "choices", "prepared", "source_asset"]

TAG: Final = "iStock"
FINGERPRINT: Final = "licensed"  # a licensed file never changes; licensing it again makes no new one
_VECTOR_TYPES: Final = ("postscript", "eps", "illustrator")


def source_asset(licensed: Licensed) -> SourceAsset:
    """What the ledger keeps of a licensed asset."""
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
    return SourceAsset(str(row.id), FINGERPRINT, known.title or "", raw)


def credit(known: Metadata) -> str:
    """The photo credit. Videos, and some images, have none of their own: it is built from what they have."""
    built = " / ".join(part for part in (known.artist, known.collection_name) if part)
    return known.credit_line or built or known.copyright or ""


def is_vector(known: Metadata) -> bool:
    """Whether an EPS can be expected (assumed from the style, the sizes and their media types)."""
    sizes = known.download_sizes or ()
    return known.graphical_style == "illustration" and any(_is_vector_size(size) for size in sizes)


def _is_vector_size(size: Size) -> bool:
    media_type = (size.media_type or "").lower()
    return (size.name or "").lower() == "vector" or any(word in media_type for word in _VECTOR_TYPES)


@attrs.frozen
class Choice:
    """Which file to ask for, in the words of the download call."""

    query: Mapping[str, Any]


def choices(raw: Mapping[str, Any], wanted: str) -> list[Choice]:
    """Which file to ask for: the first, and the next where iStock does not have it.

    Args:
        wanted: the name of a size, or empty for the licensed one. It is never larger than that.
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
    """The height to ask for; 0 where nothing says which was licensed."""
    licensed = raw["licensed_height"]
    offered = [height for name, height in raw["sizes"] if height and height <= licensed]
    chosen = [height for name, height in raw["sizes"] if name == wanted and height in offered]
    return max(chosen or offered, default=0)


def prepared(source: SourceAsset, content: Content) -> PreparedAsset:
    """What people see in the portal."""
    raw = source.raw
    return PreparedAsset(
        content,
        name=raw["title"] or f"iStock {source.source_id}",
        description=raw["credit"],
        copyright=raw["copyright"],
        tags=tuple(str(tag) for tag in (TAG, raw["artist"], source.source_id) if tag),
    )
