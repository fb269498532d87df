"""Small images with EXIF fields."""

from __future__ import annotations

import io

from PIL import ExifTags, Image

__all__ = ["image"]


def image(kind: str = "JPEG", size: int = 8, **fields: object) -> bytes:
    """Return an image of a kind, such as `JPEG`, with EXIF fields by name."""
    made, exif = io.BytesIO(), Image.Exif()
    exif.update({ExifTags.Base[name].value: value for name, value in fields.items()})
    Image.new("RGB", (size, size)).save(made, kind, exif=exif)
    return made.getvalue()
