"""A short film of the sandbox: QuickTime with Motion-JPEG frames. The sun sets over a lake.

Source: the QuickTime File Format (the atoms of one video track, all frames in one chunk).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import attrs

from damlink_sandbox.landscape import Landscape, paint

WIDTH, HEIGHT = 640, 360
FRAMES, RATE = 30, 20  # frames, frames a second
IDENTITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def film(landscape: Landscape, frames: int = FRAMES) -> bytes:
    """The landscape as its sun goes down, `frames` pictures long."""
    return movie([_frame(landscape, number / FRAMES) for number in range(frames)])


def _frame(landscape: Landscape, time: float) -> bytes:
    file = io.BytesIO()
    sun = (landscape.sun[0] + 0.1 * time, landscape.sun[1] + 0.3 * time)
    paint(attrs.evolve(landscape, sun=sun), WIDTH, HEIGHT).save(file, "JPEG", quality=80)
    return file.getvalue()


def movie(frames: Sequence[bytes]) -> bytes:
    """JPEG frames as a QuickTime file that can be played while it arrives (`moov` before `mdat`)."""
    kind = _atom(b"ftyp", b"qt  ", struct.pack(">I", 0x200), b"qt  ")
    first = len(kind) + len(_moov(frames, 0)) + 8
    return kind + _moov(frames, first) + _atom(b"mdat", *frames)


def _atom(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, name) + body


def _full(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _atom(name, struct.pack(">I", flags), *parts)


def _moov(frames: Sequence[bytes], first: int) -> bytes:
    """The index. `first` is where the first frame stands in the file, bytes."""
    length = len(frames)
    header = (
        struct.pack(">4IIH10x", 0, 0, RATE, length, 0x10000, 0x100)
        + IDENTITY
        + bytes(24)
        + struct.pack(">I", 2)
    )
    track = struct.pack(">5I8x4H", 0, 0, 1, 0, length, 0, 0, 0, 0) + IDENTITY
    track += struct.pack(">II", WIDTH << 16, HEIGHT << 16)
    media = _atom(
        b"mdia",
        _full(b"mdhd", struct.pack(">4I2H", 0, 0, RATE, length, 0x7FFF, 0)),
        _full(b"hdlr", b"mhlrvide", bytes(12), b"\x05Video"),
        _minf(frames, first),
    )
    return _atom(b"moov", _full(b"mvhd", header), _atom(b"trak", _full(b"tkhd", track, flags=7), media))


def _minf(frames: Sequence[bytes], first: int) -> bytes:
    place = _atom(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1)))
    table = _atom(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), _description()),
        _full(b"stts", struct.pack(">3I", 1, len(frames), 1)),
        _full(b"stsc", struct.pack(">4I", 1, 1, len(frames), 1)),
        _full(
            b"stsz", struct.pack(">2I", 0, len(frames)), *(struct.pack(">I", len(frame)) for frame in frames)
        ),
        _full(b"stco", struct.pack(">2I", 1, first)),
    )
    handler = _full(b"hdlr", b"dhlrurl ", bytes(12), b"\x04Data")
    return _atom(
        b"minf",
        _full(b"vmhd", struct.pack(">4H", 0x40, 0x8000, 0x8000, 0x8000), flags=1),
        handler,
        place,
        table,
    )


def _description() -> bytes:
    """The sample description: Photo-JPEG at 72 dpi, one frame a sample, 24 bit."""
    name = b"\x0cPhoto - JPEG".ljust(32, b"\0")
    size = struct.pack(">2HII", WIDTH, HEIGHT, 72 << 16, 72 << 16)
    numbers = struct.pack(">6xH2H4s2I", 1, 0, 0, b"dmlk", 0, 512)
    return _atom(b"jpeg", numbers, size, struct.pack(">IH", 0, 1), name, struct.pack(">Hh", 24, -1))
