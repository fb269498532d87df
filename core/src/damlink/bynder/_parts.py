"""The bytes of one upload: parts read in order, sent to S3 in parallel, registered in order.

Source: api.bynder.com, "Asset upload", as all official SDKs do it (parts numbered from 1, at least
5 MB each but the last, no credentials to S3).
"""

from __future__ import annotations

import hashlib
import io
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import attrs

from damlink._content import Content
from damlink._http import Client
from damlink.errors import TransientError

__all__ = ["Part", "PartSender", "Session", "part_size", "read_parts"]

PART_BYTES: Final = 8 * 1024 * 1024  # above the 5 MB that S3 demands; few calls, little memory
MOST_PARTS: Final = 10_000  # S3's own limit of a multipart upload
PARTS_IN_MEMORY: Final = 3  # of all uploads of this process together

_memory = threading.BoundedSemaphore(PARTS_IN_MEMORY)


def part_size(size: int) -> int:
    """Bytes of each part but the last, for a file of so many bytes."""
    return max(PART_BYTES, -(-size // MOST_PARTS))


@attrs.define(kw_only=True)
class Session:
    """An upload that the portal has opened, and how far it has come. Kept in the checkpoint.

    Attributes:
        fields: what S3 wants with every part, verbatim.
        digests: of the parts registered, in their order.
        crc32: of all their bytes.
        validator: the content's strong validator when it was opened.
        closing: whether it is being finalised; without a recorded answer it is of no more use.
    """

    upload_id: str
    target_id: str
    s3_filename: str
    endpoint: str
    fields: dict[str, str]
    filename: str
    size: int
    part_bytes: int
    validator: str | None = None
    digests: list[str] = attrs.field(factory=list)
    crc32: int = 0
    closing: bool = False

    @property
    def parts(self) -> int:
        """How many parts it has in all."""
        return -(-self.size // self.part_bytes)

    def fits(self, content: Content) -> bool:
        """Whether this content can be the one it was opened for."""
        return content.size == self.size and content.filename == self.filename

    def register(self, part: Part) -> None:
        """Note that the portal has taken the next part."""
        self.digests.append(part.digest)
        self.crc32 = part.crc32


@attrs.define
class Part:
    """One part in memory. `crc32` is that of the file up to its end."""

    number: int
    data: bytes = attrs.field(repr=False)
    digest: str
    crc32: int


def read_parts(content: Content, session: Session) -> Iterator[Part]:
    """Yield the parts that the portal does not have yet.

    With the validator of the beginning the content is opened where it stopped; otherwise it is read
    from its beginning, and what the portal has must read the same.

    Raises:
        ChangedContentError: it reads differently, or ends elsewhere.
    """
    done = len(session.digests)
    trusted = session.validator is not None and session.validator == content.validator
    first = done if trusted else 0
    crc = session.crc32 if trusted else 0
    blocks = _blocks(content.open(first * session.part_bytes), session.part_bytes)
    count = first
    for count, data in enumerate(blocks, start=first + 1):
        crc = zlib.crc32(data, crc)
        digest = hashlib.blake2b(data, digest_size=8).hexdigest()
        if count > done:
            if len(data) != min(session.part_bytes, session.size - (count - 1) * session.part_bytes):
                break
            yield Part(count, data, digest, crc)
        elif digest != session.digests[count - 1]:
            raise ChangedContentError(f"{content.filename} changed at its source during the upload")
    else:
        if count == session.parts:
            return
    raise ChangedContentError(f"{content.filename} is not of the {session.size} bytes it was announced with")


class ChangedContentError(TransientError):
    """The content is no longer the one that the upload was begun with."""


def _blocks(pieces: Iterator[bytes], block_bytes: int) -> Iterator[bytes]:
    """The same bytes in blocks of one size; each waits for its place in memory."""
    buffer = bytearray()
    for piece in pieces:
        rest = memoryview(piece)
        while len(buffer) + len(rest) >= block_bytes:
            taken = block_bytes - len(buffer)
            buffer += rest[:taken]
            rest = rest[taken:]
            yield bytes(buffer)
            buffer = bytearray()
        buffer += rest
    if buffer:
        yield bytes(buffer)


class PartSender:
    """Sends parts to S3, several at once.

    Args:
        s3: an unsigned client: S3 refuses a form that carries credentials besides its policy.
        on_bytes: told the size of each part that has arrived.
    """

    def __init__(self, s3: Client, on_bytes: Callable[[int], None]) -> None:
        self._s3 = s3
        self._on_bytes = on_bytes
        self._pool = ThreadPoolExecutor(PARTS_IN_MEMORY, thread_name_prefix="part")

    def send_all(self, content: Content, session: Session, register: Callable[[Part], None]) -> None:
        """Send every missing part and have it registered, in order."""
        flying: deque[tuple[Part, Future[None]]] = deque()
        try:
            for part in read_parts(content, session):
                flying.append((part, self._launch(part, session)))
                while flying and (len(flying) >= PARTS_IN_MEMORY or flying[0][1].done()):
                    self._land(flying, register)
            while flying:
                self._land(flying, register)
        finally:
            for _, future in flying:
                future.cancel()

    def _launch(self, part: Part, session: Session) -> Future[None]:
        _memory.acquire()
        future = self._pool.submit(self._send, part, session)
        future.add_done_callback(lambda _: _memory.release())
        return future

    @staticmethod
    def _land(flying: deque[tuple[Part, Future[None]]], register: Callable[[Part], None]) -> None:
        part, future = flying.popleft()
        future.result()
        register(part)

    def _send(self, part: Part, session: Session) -> None:
        key = f"{session.fields['key']}/p{part.number}"
        fields: dict[str, Any] = {
            **session.fields,
            "key": key,
            "Filename": key,
            "name": session.filename,
            "chunk": str(part.number),
            "chunks": str(session.parts),
        }
        file = (session.filename, io.BytesIO(part.data), "application/octet-stream")
        self._s3.post(session.endpoint, data=fields, files={"file": file}, idempotent=True)
        self._on_bytes(len(part.data))
        part.data = b""

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=True, cancel_futures=True)
