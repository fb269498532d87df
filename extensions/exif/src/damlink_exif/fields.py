"""EXIF fields of the beginning of a file, as text."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Final

from PIL import ExifTags, Image

from damlink import Content

__all__ = ["HEAD_BYTES", "TAGS", "read_fields"]

# EXIF stands at the beginning of JPEG, HEIF and most other files; a file is never read whole for it.
HEAD_BYTES: Final = 1024 * 1024
TAGS: Final = {tag.name: tag.value for tag in (*ExifTags.Base, *ExifTags.GPS)}
_PARTS: Final = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)


def read_fields(content: Content) -> dict[str, str]:
    """Return the fields of an image by name; none of a file that is no image or has no EXIF data.

    The errors of the content itself are raised.
    """
    head = b"".join(content.open_range(0, HEAD_BYTES))
    try:
        with Image.open(io.BytesIO(head)) as image:
            exif = image.getexif()
            found = [*exif.items(), *(item for part in _PARTS for item in exif.get_ifd(part).items())]
    # Pillow's readers raise almost anything about a file that is broken, or cut at the end of the head.
    except Exception:  # noqa: BLE001
        return {}
    names = {value: name for name, value in TAGS.items()}
    texts = ((names[tag], _text(value)) for tag, value in found if tag in names)
    return {name: text for name, text in texts if text}


def _text(value: Any) -> str:
    """Return a value as text without the zeros that pad it; empty for what is not text."""
    if isinstance(value, bytes):
        # Source: CIPA DC-008 (Exif), the character code that precedes a UserComment
        value = value.removeprefix(b"ASCII\0\0\0").decode("utf-8", errors="ignore")
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(_text(each) for each in value)
    return str(value).replace("\0", "").strip()
