"""Width and height from the first bytes of PNG, GIF and JPEG; nothing else is worth decoding here."""

from __future__ import annotations

import struct


def dimensions(start: bytes) -> tuple[int, int]:
    """Pixels; `(0, 0)` where `start` is of none of the three or ends too soon."""
    if start.startswith(b"\x89PNG\r\n\x1a\n") and len(start) >= 24:
        return _two(">II", start, 16)
    if start[:6] in (b"GIF87a", b"GIF89a") and len(start) >= 10:
        return _two("<HH", start, 6)
    if start.startswith(b"\xff\xd8"):
        return _jpeg(start)
    return 0, 0


def _two(shape: str, data: bytes, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(shape, data, offset)
    return first, second


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = _two(">HH", data, at + 5)
            return width, height
        at += 2 + length
    return 0, 0
