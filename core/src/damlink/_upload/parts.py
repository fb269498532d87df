"""Bytes of one upload: parts are read in order, sent in parallel and registered in order."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import queue
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import attrs

from damlink._content import Content
from damlink._upload.source import SourceFailureError, open_source
from damlink.errors import TransientError

__all__ = [
    "ChangedContentError",
    "Part",
    "PartFile",
    "PartSender",
    "UploadSession",
    "part_size",
    "read_parts",
]

# S3 demands at least 5 MB. Larger parts save few requests and cost memory.
PART_BYTES: Final = 6 * 1024 * 1024
# S3's own limit of a multipart upload.
MOST_PARTS: Final = 10_000
# Parts of one upload that are sent in parallel.
PARTS_AT_ONCE: Final = 2
# Buffers of all uploads of this process together.
BUFFERS: Final = 3


def part_size(size: int) -> int:
    """Return the size of each part but the last, for a file of this size."""
    return max(PART_BYTES, -(-size // MOST_PARTS))


@attrs.define(kw_only=True)
class UploadSession:
    """Upload that the portal has opened, with the parts sent so far. Kept in the checkpoint.

    Attributes:
        transport: name of the transport that opened it.
        fields: form fields that S3 requires with every part, verbatim.
        digests: digests of the registered parts, in order.
        crc32: checksum of all their bytes.
        validator: the content's strong validator when the upload was opened.
        closing: the request that finalises it may have been sent; the upload cannot be continued.
    """

    upload_id: str
    filename: str
    size: int
    part_bytes: int
    transport: str = "s3"
    target_id: str = ""
    s3_filename: str = ""
    endpoint: str = ""
    fields: dict[str, str] = attrs.field(factory=dict)
    validator: str | None = None
    digests: list[str] = attrs.field(factory=list)
    crc32: int = 0
    closing: bool = False

    @property
    def parts(self) -> int:
        """Number of parts in all."""
        return -(-self.size // self.part_bytes)

    def bytes_of(self, number: int) -> int:
        """Return the size of a part; parts count from 1."""
        return min(self.part_bytes, self.size - (number - 1) * self.part_bytes)

    def fits(self, content: Content) -> bool:
        """Return whether this content can be the one that the upload was opened for."""
        return content.size == self.size and content.filename == self.filename

    def register(self, part: Part) -> None:
        """Add a part that the portal has accepted."""
        self.digests.append(part.digest)
        self.crc32 = part.crc32


@attrs.define
class Part:
    """One part in memory, in a buffer that is released when the part has arrived.

    Attributes:
        crc32: checksum of the file up to the part's end.
    """

    number: int
    data: memoryview = attrs.field(repr=False)
    digest: str
    crc32: int
    release: Callable[[], None] = attrs.field(repr=False)


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
) -> Iterator[Part]:
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
    trusted = watch is None and session.validator is not None and session.validator == content.validator
    pieces, first = open_source(content, session.part_bytes, done if trusted else 0)
    crc = session.crc32 if first else 0
    count = first
    blocks = _blocks(pieces, session.part_bytes)
    with contextlib.closing(blocks):
        for count, (data, release) in enumerate(blocks, start=first + 1):
            crc = zlib.crc32(data, crc)
            if watch is not None:
                watch(data)
            digest = hashlib.blake2b(data, digest_size=8).hexdigest()
            if count <= done:
                release()
                if digest != session.digests[count - 1]:
                    raise ChangedContentError(f"{content.filename} changed at its source during the upload")
            elif len(data) == session.bytes_of(count):
                yield Part(count, data, digest, crc, release)
            else:
                release()
                break
        else:
            if count == session.parts:
                return
    raise ChangedContentError(f"{content.filename} does not have the announced {session.size} bytes")


class ChangedContentError(TransientError):
    """The content has changed since the upload began."""


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


class PartFile(io.RawIOBase):
    """Seekable file of a part's bytes, so that a request can be repeated."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, target: Any) -> int:
        piece = self._data[self._at : self._at + len(target)]
        target[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


_Sending = deque[tuple[Part, Future[None]]]


class PartSender:
    """Thread pool that sends parts in parallel.

    Args:
        on_bytes: called with the size of each part that has arrived.
    """

    def __init__(self, on_bytes: Callable[[int], None]) -> None:
        self._on_bytes = on_bytes
        self._pool = ThreadPoolExecutor(PARTS_AT_ONCE, thread_name_prefix="part")

    def send_all(
        self, parts: Iterator[Part], send: Callable[[Part], None], register: Callable[[Part], None]
    ) -> None:
        """Send every part, and register each one in order."""
        sending: _Sending = deque()
        try:
            for part in parts:
                sending.append((part, self._pool.submit(self._send, part, send)))
                while sending and (len(sending) >= PARTS_AT_ONCE or sending[0][1].done()):
                    self._register_next(sending, register)
        except SourceFailureError:
            # Parts that were read must not be sent again by the next run.
            self._register_all(sending, register)
            raise
        else:
            self._register_all(sending, register)
        finally:
            for part, future in sending:
                if future.cancel():
                    part.release()

    def _register_all(self, sending: _Sending, register: Callable[[Part], None]) -> None:
        while sending:
            self._register_next(sending, register)

    @staticmethod
    def _register_next(sending: _Sending, register: Callable[[Part], None]) -> None:
        part, future = sending.popleft()
        future.result()
        register(part)

    def _send(self, part: Part, send: Callable[[Part], None]) -> None:
        size = len(part.data)
        try:
            send(part)
        finally:
            part.release()
        self._on_bytes(size)

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)
