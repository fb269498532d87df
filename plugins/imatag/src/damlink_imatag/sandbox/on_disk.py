"""A file on disk, as an answer sends it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import attrs

__all__ = ["OnDisk"]

_PIECE = 1024 * 1024


@attrs.frozen
class OnDisk:
    """A file, opened only while it is read.

    Attributes:
        media_type: such as `image/jpeg`.
    """

    path: Path
    media_type: str

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    def sha256(self) -> str:
        """Return the digest of all bytes, hex."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset`, in pieces of at most 1 MiB."""
        with self.path.open("rb") as file:
            file.seek(offset)
            while piece := file.read(_PIECE):
                yield piece
