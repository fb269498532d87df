"""Parts in memory, for contents that can only be read from the beginning to the end."""

from __future__ import annotations

import contextlib
import functools
import queue
from collections.abc import Callable, Generator, Iterator
from typing import Final

import attrs

from damlink._content import PIECE_BYTES, Content
from damlink._upload.checksums import Checksums
from damlink._upload.parts import ChangedContentError
from damlink._upload.session import UploadSession
from damlink._upload.source import open_source

__all__ = ["BUFFERED_AT_ONCE", "BUFFERS", "BufferedPart", "read_parts"]

BUFFERED_AT_ONCE: Final = 2
# Buffers of all uploads of this process together.
BUFFERS: Final = 3


@attrs.define
class BufferedPart:
    """One part in memory, in a buffer that is released when the part has arrived."""

    number: int
    data: memoryview = attrs.field(repr=False)
    crc32: int
    digest: str
    release: Callable[[], None] = attrs.field(repr=False)
    at_once: int = BUFFERED_AT_ONCE

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.data)

    def open(self) -> Iterator[bytes]:
        """Yield the bytes in pieces."""
        for start in range(0, len(self.data), PIECE_BYTES):
            yield bytes(self.data[start : start + PIECE_BYTES])

    def cancel(self) -> None:
        """Do nothing: a part in memory is small."""


class _Buffers:
    """Process-wide pool of reusable part buffers.

    It bounds memory and avoids heap fragmentation; `take` blocks while all buffers are in use.
    """

    def __init__(self, count: int) -> None:
        self._free: queue.LifoQueue[bytearray] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(bytearray())

    def take(self, size: int) -> bytearray:
        """Return a buffer of at least this size as soon as one is free."""
        buffer = self._free.get()
        return buffer if len(buffer) >= size else bytearray(size)

    def release(self, buffer: bytearray) -> None:
        """Return a buffer to the pool."""
        self._free.put(buffer)


_buffers = _Buffers(BUFFERS)


def read_parts(
    content: Content, session: UploadSession, watch: Callable[[memoryview], None] | None = None
) -> Iterator[BufferedPart]:
    """Yield the parts that the portal does not have yet; the receiver releases each of them.

    If the content's validator has not changed, it is opened at the first missing part. Otherwise, or
    with `watch`, it is read from its beginning, and the parts that the portal has are compared.

    Args:
        watch: called with the bytes of every part, in order.

    Raises:
        ChangedContentError: the bytes or their number have changed.
        SourceFailureError: the content cannot be read.
    """
    done = len(session.digests)
    trusted = watch is None and session.is_proven(content)
    pieces, first = open_source(content, session.part_bytes, done if trusted else 0)
    count = first
    blocks = _blocks(pieces, session.part_bytes)
    with contextlib.closing(blocks):
        for count, (data, release) in enumerate(blocks, start=first + 1):
            checksums = Checksums()
            checksums.update(data)
            if watch is not None:
                watch(data)
            if count <= done:
                release()
                if checksums.digest != session.digests[count - 1]:
                    raise ChangedContentError(f"{content.filename} changed at its source during the upload")
            elif len(data) == session.bytes_of(count):
                yield BufferedPart(count, data, checksums.crc32, checksums.digest, release)
            else:
                release()
                break
        else:
            if count == session.parts:
                return
    raise ChangedContentError(f"{content.filename} does not have the announced {session.size} bytes")


def _blocks(pieces: Iterator[bytes], block_bytes: int) -> Generator[tuple[memoryview, Callable[[], None]]]:
    """Yield the bytes in blocks of one size, each with the function that releases its buffer."""
    filling: bytearray | None = None
    filled = 0
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                filling = filling if filling is not None else _buffers.take(block_bytes)
                count = min(block_bytes - filled, len(rest))
                filling[filled : filled + count] = rest[:count]
                filled, rest = filled + count, rest[count:]
                if filled == block_bytes:
                    full, filling, filled = filling, None, 0
                    yield _block(full, block_bytes)
        if filling is not None:
            last, filling = filling, None
            yield _block(last, filled)
    finally:
        if filling is not None:
            _buffers.release(filling)


def _block(buffer: bytearray, length: int) -> tuple[memoryview, Callable[[], None]]:
    return memoryview(buffer)[:length], functools.partial(_buffers.release, buffer)
