"""Facts of a file, collected while its bytes pass: hash, size, type, dimensions."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs

from damlink import Content, ContentFile, Spool
from damlink_imatag.media_file import HEAD_BYTES, dimensions, media_type

__all__ = ["Facts", "MeasuredFile", "MeasuredSpool", "measure_content"]

# The type of the box that holds a manifest store. Source: C2PA specification, "Embedding manifests".
MANIFEST: Final = bytes.fromhex("63327061 0011 0010 8000 00AA00389B71")


@attrs.frozen
class Facts:
    """Facts of a file, small enough for a checkpoint.

    Attributes:
        sha256: hex.
        media_type: by the first bytes; empty if the format is unknown.
        width: pixels, like `height`; 0 if unknown.
        has_manifest: whether the file contains a C2PA manifest.
    """

    sha256: str
    size: int
    media_type: str
    width: int
    height: int
    has_manifest: bool


class Measure:
    """Incremental measurement of a file."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._head = bytearray()
        self._end = b""
        self.size = 0
        self._has_manifest = False

    def add(self, piece: bytes) -> None:
        """Add the next bytes."""
        self._digest.update(piece)
        self.size += len(piece)
        if len(self._head) < HEAD_BYTES:
            self._head += piece[: HEAD_BYTES - len(self._head)]
        seen = self._end + piece
        self._has_manifest = self._has_manifest or MANIFEST in seen
        self._end = seen[-len(MANIFEST) + 1 :]

    def watch(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the pieces, and add each of them."""
        for piece in pieces:
            self.add(piece)
            yield piece

    def facts(self, read: Callable[[int, int], bytes] | None = None) -> Facts:
        """Return the facts of all bytes added.

        Args:
            read: returns so many bytes from an offset, if the bytes are still available.
        """
        head = bytes(self._head)
        width, height = dimensions(head, read) or (0, 0)
        return Facts(self._digest.hexdigest(), self.size, media_type(head), width, height, self._has_manifest)


class MeasuredFile(ContentFile):
    """Content as the file of a form, measured while it is read."""

    def __init__(self, content: Content) -> None:
        super().__init__(content)
        self._measure = Measure()

    def read(self, count: int = -1) -> bytes:
        """Return the next piece, whatever its length; empty at the end."""
        piece = super().read(count)
        self._measure.add(piece)
        return piece

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go back to the beginning, and measure anew; at the end return the size."""
        if whence != io.SEEK_END:
            self._measure = Measure()
        return super().seek(offset, whence)

    def facts(self) -> Facts:
        """Return the facts of the bytes read since the beginning."""
        return self._measure.facts()


class MeasuredSpool(Spool):
    """Content in a temporary file, with its facts."""

    def __init__(self, content: Content) -> None:
        measure = Measure()
        super().__init__(measure.watch(content.open()))
        self.facts = measure.facts(self.read)

    def content(self, filename: str) -> Content:
        """Return the bytes as content."""
        return Content(filename, self.pieces, self.facts.size, self.facts.media_type or None)


@contextlib.contextmanager
def measure_content(content: Content) -> Iterator[MeasuredSpool]:
    """Yield the content in a temporary file, and delete the file afterwards."""
    with contextlib.closing(content), contextlib.closing(MeasuredSpool(content)) as spool:
        yield spool
