"""Bytes that go by once: hashed, measured and looked into on their way."""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from damlink import Content
from damlink_imatag.media_file import HEAD_BYTES, dimensions, media_type

__all__ = ["Facts", "Measured", "Spool", "spooled"]

PIECE_BYTES: Final = 256 * 1024
# The type of the box that holds a manifest store. Source: C2PA specification, "Embedding manifests".
MANIFEST: Final = bytes.fromhex("63327061 0011 0010 8000 00AA00389B71")


@attrs.frozen
class Facts:
    """What is known of a file, small enough to be noted.

    Attributes:
        sha256: hex.
        media_type: by its first bytes; empty where they tell nothing.
        width: pixels, as `height`; 0 where nothing tells.
        has_manifest: whether a C2PA manifest is in it.
    """

    sha256: str
    size: int
    media_type: str
    width: int
    height: int
    has_manifest: bool


class Measure:
    """Measures what it is shown, piece by piece."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._head = bytearray()
        self._end = b""
        self.size = 0
        self._has_manifest = False

    def add(self, piece: bytes) -> None:
        """Show it the next bytes."""
        self._digest.update(piece)
        self.size += len(piece)
        if len(self._head) < HEAD_BYTES:
            self._head += piece[: HEAD_BYTES - len(self._head)]
        seen = self._end + piece
        self._has_manifest = self._has_manifest or MANIFEST in seen
        self._end = seen[-len(MANIFEST) + 1 :]

    def facts(self, read: Callable[[int, int], bytes] | None = None) -> Facts:
        """What all that it was shown is.

        Args:
            read: gives so many bytes from an offset on, where they are still at hand.
        """
        head = bytes(self._head)
        width, height = dimensions(head, read) or (0, 0)
        return Facts(self._digest.hexdigest(), self.size, media_type(head), width, height, self._has_manifest)


class Measured:
    """A content as a file that is sent, as `httpx` reads one; measured while it is read.

    Args:
        size: bytes; what is sent must be as long.
    """

    def __init__(self, content: Content, size: int | None) -> None:
        self._content = content
        self._size = size
        self._begin()

    def _begin(self) -> None:
        self._measure = Measure()
        self._pieces: Iterator[bytes] | None = None

    def read(self, _count: int = -1) -> bytes:
        """The next piece, of whatever length it comes in; empty at the end."""
        if self._pieces is None:
            self._pieces = self._content.open()
        piece = next((piece for piece in self._pieces if piece), b"")
        self._measure.add(piece)
        return piece

    def tell(self) -> int:
        """Always the beginning: it is asked before anything is read."""
        return 0

    def seek(self, _offset: int, whence: int = io.SEEK_SET) -> int:
        """Its size at the end; anywhere else the beginning, from which it is then read anew."""
        if whence == io.SEEK_END:
            if self._size is None:
                raise OSError("its size is not known")
            return self._size
        self._begin()
        return 0

    def facts(self) -> Facts:
        """What was read since the beginning."""
        return self._measure.facts()


class Spool:
    """Bytes kept in a file without a name: it is gone when it is closed, and after a crash."""

    def __init__(self, content: Content) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close(), or with this object
        self._closing = weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        measure = Measure()
        for piece in content.open():
            self._file.write(piece)
            measure.add(piece)
        self.facts = measure.facts(self._read)

    def pieces(self, offset: int = 0) -> Iterator[bytes]:
        """The bytes from an offset on; several may read at once."""
        while piece := self._read(offset, PIECE_BYTES):
            offset += len(piece)
            yield piece

    def _read(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(count)

    def content(self, filename: str) -> Content:
        """The same as content."""
        return Content(filename, self.pieces, self.facts.size, self.facts.media_type or None)

    def close(self) -> None:
        """Let the bytes go."""
        self._closing()


@contextlib.contextmanager
def spooled(content: Content) -> Iterator[Spool]:
    """A content in such a file, while a block lasts."""
    with contextlib.closing(content), contextlib.closing(Spool(content)) as spool:
        yield spool
