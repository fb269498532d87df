"""Type, width and height of a file by its first bytes, without decoding it.

Source: the published headers of each format.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["HEAD_BYTES", "dimensions", "media_type"]

# The dimensions of a JPEG may follow a large colour profile.
HEAD_BYTES: Final = 1024 * 1024
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_BIG_TIFF: Final = 43
# Tags of a TIFF, and its type of 16-bit numbers.
_WIDTH, _HEIGHT = 256, 257
_SHORT: Final = 3

Size = tuple[int, int]
Read = Callable[[int, int], bytes]


def media_type(head: bytes) -> str:
    """Return the media type, such as `image/jpeg`; empty if the format is unknown.

    Args:
        head: the first bytes, at least 32 if the file is so long.
    """
    for beginning, found in _BEGINNINGS.items():
        if head.startswith(beginning):
            return found
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    return "video/quicktime" if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip") else ""


_BEGINNINGS: Final[Mapping[bytes, str]] = {
    b"\xff\xd8\xff": "image/jpeg",
    _PNG: "image/png",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"II+\0": "image/tiff",
    b"MM\0+": "image/tiff",
    b"BM": "image/bmp",
    b"8BPS": "image/vnd.adobe.photoshop",
    b"%PDF": "application/pdf",
    b"%!PS": "application/postscript",
    b"\xc5\xd0\xd3\xc6": "application/postscript",
    b"\x1aE\xdf\xa3": "video/webm",
    b"\0\0\x01\xba": "video/mpeg",
    b"\0\0\x01\xb3": "video/mpeg",
}
_BRANDS: Final[Mapping[bytes, str]] = {
    b"qt  ": "video/quicktime",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
    b"avif": "image/avif",
}


def dimensions(head: bytes, read: Read | None = None) -> Size | None:
    """Return width and height in pixels; `None` if the first bytes do not contain them.

    Args:
        read: returns so many bytes from an offset, if the whole file is available: a TIFF may store its
            dimensions at its end.
    """
    kind = media_type(head)
    try:
        if kind == "image/tiff":
            size = _tiff(read or (lambda at, count: head[at : at + count]))
        else:
            size = _READERS[kind](head) if kind in _READERS else None
    # The file ends in the middle of its header.
    except (struct.error, IndexError):
        return None
    return size if size and min(size) > 0 else None


def _png(head: bytes) -> Size | None:
    return struct.unpack_from(">II", head, 16)


def _gif(head: bytes) -> Size | None:
    return struct.unpack_from("<HH", head, 6)


def _bmp(head: bytes) -> Size | None:
    width, height = struct.unpack_from("<ii", head, 18)
    return width, abs(height)


def _psd(head: bytes) -> Size | None:
    height, width = struct.unpack_from(">II", head, 14)
    return width, height


def _webp(head: bytes) -> Size | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(head: bytes) -> Size | None:
    at = 2
    while head[at] == 0xFF:
        marker = head[at + 1]
        # Markers may be padded with fill bytes.
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height
        else:
            at += 2 + int(struct.unpack_from(">H", head, at + 2)[0])
    return None


def _tiff(read: Read) -> Size | None:
    head = read(0, 8)
    order = "<" if head[:2] == b"II" else ">"
    if struct.unpack_from(f"{order}H", head, 2)[0] == _BIG_TIFF:
        return None
    start = struct.unpack_from(f"{order}I", head, 4)[0]
    (count,) = struct.unpack_from(f"{order}H", read(start, 2))
    entries = read(start + 2, 12 * count)
    found = dict(_tiff_number(entries, order, 12 * number) for number in range(count))
    return (found[_WIDTH], found[_HEIGHT]) if {_WIDTH, _HEIGHT} <= found.keys() else None


def _tiff_number(entries: bytes, order: str, at: int) -> tuple[int, int]:
    tag, kind = struct.unpack_from(f"{order}HH", entries, at)
    return tag, struct.unpack_from(f"{order}{'H' if kind == _SHORT else 'I'}", entries, at + 8)[0]


_READERS: Final[Mapping[str, Callable[[bytes], Size | None]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/webp": _webp,
    "image/vnd.adobe.photoshop": _psd,
}
