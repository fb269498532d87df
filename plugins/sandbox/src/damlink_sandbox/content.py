"""Stored bytes: files on disk read as one, and bytes made up on demand. Nothing is held whole in memory."""

from __future__ import annotations

import functools
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import attrs

_PIECE = 1024 * 1024


class Content(Protocol):
    """Bytes that can be read again, from anywhere."""

    @property
    def size(self) -> int:
        """Bytes."""

    def sha256(self) -> str:
        """Return the digest of all bytes, hex."""

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset`, in pieces of at most 1 MiB."""


@attrs.frozen
class PartFiles:
    """The parts of an upload, read as one file; digests are taken once, when it is put together."""

    paths: tuple[Path, ...]
    sizes: tuple[int, ...]
    crc32: int
    digest: str

    @classmethod
    def join(cls, paths: Sequence[Path]) -> PartFiles:
        """Read all parts once, for size and digests."""
        sha256, crc32 = hashlib.sha256(), 0
        for path in paths:
            for piece in _pieces(path):
                sha256.update(piece)
                crc32 = zlib.crc32(piece, crc32)
        return cls(tuple(paths), tuple(path.stat().st_size for path in paths), crc32, sha256.hexdigest())

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(self.sizes)

    def sha256(self) -> str:
        """Return the digest of all parts, hex."""
        return self.digest

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset`, part after part."""
        for path, size in zip(self.paths, self.sizes, strict=True):
            if offset < size:
                yield from _pieces(path, offset)
            offset = max(0, offset - size)


def _pieces(path: Path, offset: int = 0) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while piece := file.read(_PIECE):
            yield piece


@attrs.frozen
class Filled:
    """`size` bytes that repeat `pattern`; what a test puts into the portal without a file."""

    size: int
    pattern: bytes

    def sha256(self) -> str:
        """Return the digest of all bytes, hex; computed once for equal bytes."""
        return _digest(self)

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset`."""
        block = self.pattern * (min(_PIECE, self.size) // len(self.pattern) + 1)
        turn = offset % len(self.pattern)
        while offset < self.size:
            piece = block[turn : turn + min(_PIECE, self.size - offset)]
            yield piece
            offset += len(piece)
            turn = (turn + len(piece)) % len(self.pattern)


@functools.lru_cache(maxsize=256)
def _digest(content: Filled) -> str:
    digest = hashlib.sha256()
    for piece in content.read():
        digest.update(piece)
    return digest.hexdigest()
