"""Parts that are read from the source while they are sent: no part is held in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final

from damlink._content import PIECE_BYTES, Content
from damlink._upload.checksums import Checksums
from damlink._upload.parts import ChangedContentError
from damlink._upload.session import UploadSession
from damlink._upload.source import read_source

__all__ = ["STREAMED_AT_ONCE", "CancelledPartError", "StreamedPart", "can_stream", "stream_parts"]

STREAMED_AT_ONCE: Final = 4


def can_stream(content: Content, part_count: int) -> bool:
    """Return whether each part can be read again by itself if it is lost."""
    return part_count == 1 or content.has_ranges


def stream_parts(content: Content, session: UploadSession) -> Iterator[StreamedPart]:
    """Yield the parts that the portal does not have yet; each is read when it is sent.

    Unless the content's validator is still the same, the parts that the portal has are read and compared.

    Raises:
        ChangedContentError: the bytes have changed.
        SourceFailureError: the content cannot be read.
    """
    done = len(session.digests)
    for number in range(1, session.parts + 1):
        part = StreamedPart(content, session, number)
        if number > done:
            yield part
        elif not session.is_proven(content):
            part.compare(session.digests[number - 1])


class StreamedPart:
    """Part that is read from its own range of the source each time it is sent."""

    at_once: Final = STREAMED_AT_ONCE

    def __init__(self, content: Content, session: UploadSession, number: int) -> None:
        self.number = number
        self.size = session.bytes_of(number)
        self.crc32 = 0
        self.digest = ""
        self._content = content
        self._offset = (number - 1) * session.part_bytes
        self._announced = session.size
        self._cancelled = threading.Event()

    def open(self) -> Iterator[bytes]:
        """Yield the bytes, and compute their checksums.

        Raises:
            ChangedContentError: there are fewer or more bytes than announced.
            SourceFailureError: the content cannot be read.
        """
        checksums, left = Checksums(), self.size
        for piece in _join(read_source(self._content, self._offset, self._count)):
            left -= len(piece)
            if left < 0:
                break
            checksums.update(piece)
            yield piece
            if self._cancelled.is_set():
                raise CancelledPartError
        if left:
            name = self._content.filename
            raise ChangedContentError(f"{name} does not have the announced {self._announced} bytes")
        self.crc32, self.digest = checksums.crc32, checksums.digest

    @property
    def _count(self) -> int:
        """Bytes to read: one more at the file's end, where there should be none."""
        return self.size + (self._offset + self.size == self._announced)

    def compare(self, digest: str) -> None:
        """Read the part and compare it with the one that was sent before.

        Raises:
            ChangedContentError: the bytes have changed.
        """
        for _ in self.open():
            pass
        if self.digest != digest:
            name = self._content.filename
            raise ChangedContentError(f"{name} changed at its source during the upload")

    def cancel(self) -> None:
        """End the sending, from another thread."""
        self._cancelled.set()

    def release(self) -> None:
        """Do nothing: the part takes no memory."""


class CancelledPartError(Exception):
    """The part is not needed any more."""


def _join(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join the small pieces of a network: each costs the sender as much as a large one."""
    small: list[bytes] = []
    size = 0
    for piece in pieces:
        small.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b"".join(small)
            small, size = [], 0
    if small:
        yield b"".join(small)
