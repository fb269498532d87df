"""Pictures as the portal reads and writes them: their size, their pixels, their bytes."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from damlink_sandbox.content import Content

_MOST_PIXELS = 100_000_000
_BLOCK = 1 << 20
# No EPS: Pillow would start Ghostscript for it.
_PIXELS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_SIZES = (*_PIXELS, "EPS", "PSD")
_UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning)


class _File(io.RawIOBase):
    """Content as a file that can be read anywhere."""

    def __init__(self, content: Content) -> None:
        self._content, self._at = content, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._content.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        piece = next(self._content.read(self._at), b"") if self._at < self._content.size else b""
        count = min(len(buffer), len(piece))
        buffer[:count] = piece[:count]
        self._at += count
        return count


def measure(content: Content) -> tuple[int, int]:
    """Width and height in pixels, from the first bytes alone; `(0, 0)` where it is no picture we can read."""
    try:
        with Image.open(_open(content), formats=_SIZES) as picture:
            return picture.size
    except _UNREADABLE:
        return 0, 0


def picture(content: Content) -> Image.Image | None:
    """Return the decoded picture, upright as stored; `None` where it is none, or too large."""
    try:
        with Image.open(_open(content), formats=_PIXELS) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return None
            return opened.convert("RGBA")
    except _UNREADABLE:
        return None


def _open(content: Content) -> io.BufferedReader:
    return io.BufferedReader(_File(content), _BLOCK)


def encode(image: Image.Image, form: str, quality: int) -> bytes:
    """Encode the picture as `WEBP`, `PNG` or `JPEG`."""
    file = io.BytesIO()
    if form == "JPEG":
        image = flatten(image, (255, 255, 255))
    image.save(file, form, **({} if form == "PNG" else {"quality": quality}))
    return file.getvalue()


def flatten(image: Image.Image, colour: tuple[int, ...]) -> Image.Image:
    """Put the picture on that colour, without transparency."""
    under = Image.new("RGBA", image.size, colour[:3])
    under.alpha_composite(image)
    return under.convert("RGB")
