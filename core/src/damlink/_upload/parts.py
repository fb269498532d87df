"""The bytes of one upload: parts read in order, sent in parallel, registered in order."""

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
from damlink._upload.source import SourceFailureError, opened
from damlink.errors import TransientError

__all__ = [
    "ChangedContentError",
    "Part",
    "PartFile",
    "PartSender",
    "Session",
    "part_size",
    "read_parts",
]

PART_BYTES: Final = 6 * 1024 * 1024  # above the 5 MB that S3 demands; few calls, little memory
MOST_PARTS: Final = 10_000  # S3's own limit of a multipart upload
PARTS_AT_ONCE: Final = 2  # of one upload
BUFFERS: Final = 3  # of all uploads of this process together


def part_size(size: int) -> int:
    """Bytes of each part but the last, for a file of so many bytes."""
    return max(PART_BYTES, -(-size // MOST_PARTS))


@attrs.define(kw_only=True)
class Session:
    """An upload that the portal has opened, and how far it has come. Kept in the checkpoint.

    Attributes:
        flow: `v4` or `v7`: how its bytes travel.
        fields: what S3 wants with every part, verbatim.
        digests: of the parts registered, in their order.
        crc32: of all their bytes.
        validator: the content's strong validator when it was opened.
        closing: whether it is being finalised; without a recorded answer it is of no more use.
    """

    upload_id: str
    filename: str
    size: int
    part_bytes: int
    flow: str = "v4"
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
        """How many parts it has in all."""
        return -(-self.size // self.part_bytes)

    def bytes_of(self, number: int) -> int:
        """Bytes of the part of this number, counted from 1."""
        return min(self.part_bytes, self.size - (number - 1) * self.part_bytes)

    def fits(self, content: Content) -> bool:
        """Whether this content can be the one it was opened for."""
        return content.size == self.size and content.filename == self.filename

    def register(self, part: Part) -> None:
        """Note that the portal has taken the next part."""
        self.digests.append(part.digest)
        self.crc32 = part.crc32


@attrs.define
class Part:
    """One part in memory, in a buffer that is given back when it has arrived.

    `crc32` is that of the file up to the part's end.
    """

    number: int
    data: memoryview = attrs.field(repr=False)
    digest: str
    crc32: int
    release: Callable[[], None] = attrs.field(repr=False)


class _Buffers:
    """The memory that parts pass through: so much and no more, whatever is uploaded.

    Buffers are used again: fresh ones of this size would leave the process's memory in tatters.
    """

    def __init__(self, count: int) -> None:
        self._free: queue.LifoQueue[bytearray] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(bytearray())

    def take(self, size: int) -> bytearray:
        """Wait for a buffer of at least this size."""
        buffer = self._free.get()
        return buffer if len(buffer) >= size else bytearray(size)

    def give_back(self, buffer: bytearray) -> None:
        """Let the next one have it."""
        self._free.put(buffer)


_buffers = _Buffers(BUFFERS)


def read_parts(
    content: Content, session: Session, watch: Callable[[memoryview], None] | None = None
) -> Iterator[Part]:
    """Yield the parts that the portal does not have yet; each is to be released.

    With the validator of the beginning the content is opened where it stopped; otherwise, or with
    somebody who watches all of its bytes, it is read from its beginning, and what the portal has
    must read the same.

    Raises:
        ChangedContentError: it reads differently, or ends elsewhere.
        SourceFailureError: it cannot be read.
    """
    done = len(session.digests)
    trusted = watch is None and session.validator is not None and session.validator == content.validator
    pieces, first = opened(content, session.part_bytes, done if trusted else 0)
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
    raise ChangedContentError(f"{content.filename} is not of the {session.size} bytes it was announced with")


class ChangedContentError(TransientError):
    """The content is no longer the one that the upload was begun with."""


def _blocks(pieces: Iterator[bytes], block_bytes: int) -> Generator[tuple[memoryview, Callable[[], None]]]:
    """The same bytes in blocks of one size, each in a buffer, with what gives it back."""
    filling: bytearray | None = None
    filled = 0
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                filling = filling if filling is not None else _buffers.take(block_bytes)
                taken = min(block_bytes - filled, len(rest))
                filling[filled : filled + taken] = rest[:taken]
                filled, rest = filled + taken, rest[taken:]
                if filled == block_bytes:
                    full, filling, filled = filling, None, 0
                    yield _block(full, block_bytes)
        if filling is not None:
            last, filling = filling, None
            yield _block(last, filled)
    finally:
        if filling is not None:
            _buffers.give_back(filling)


def _block(buffer: bytearray, length: int) -> tuple[memoryview, Callable[[], None]]:
    return memoryview(buffer)[:length], functools.partial(_buffers.give_back, buffer)


class PartFile(io.RawIOBase):
    """A part as a file: read piece by piece, and again from its beginning."""

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


class PartSender:
    """Sends parts, several at once.

    Args:
        on_bytes: told the size of each part that has arrived.
    """

    def __init__(self, on_bytes: Callable[[int], None]) -> None:
        self._on_bytes = on_bytes
        self._pool = ThreadPoolExecutor(PARTS_AT_ONCE, thread_name_prefix="part")

    def send_all(
        self, parts: Iterator[Part], send: Callable[[Part], None], register: Callable[[Part], None]
    ) -> None:
        """Send every part and have it registered, in order."""
        flying: deque[tuple[Part, Future[None]]] = deque()
        try:
            for part in parts:
                flying.append((part, self._pool.submit(self._send, part, send)))
                while flying and (len(flying) >= PARTS_AT_ONCE or flying[0][1].done()):
                    self._land(flying, register)
        except SourceFailureError:
            self._land_all(flying, register)  # what has been read need not be sent again
            raise
        else:
            self._land_all(flying, register)
        finally:
            for part, future in flying:
                if future.cancel():
                    part.release()

    def _land_all(self, flying: deque[tuple[Part, Future[None]]], register: Callable[[Part], None]) -> None:
        while flying:
            self._land(flying, register)

    @staticmethod
    def _land(flying: deque[tuple[Part, Future[None]]], register: Callable[[Part], None]) -> None:
        part, future = flying.popleft()
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
        """Let the threads go."""
        self._pool.shutdown(wait=True, cancel_futures=True)
