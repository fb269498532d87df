"""Bytes that can be opened again, at any offset; and a spool file for those whose size is unknown."""

from __future__ import annotations

import contextlib
import io
import mimetypes
import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from damlink._system.disk import naming
from damlink._system.keepable import clean, show
from damlink._system.whole_file import replacing
from damlink.errors import TransientError

__all__ = ["PIECE_BYTES", "Content", "ContentFile", "Opener", "Spool", "UnprovenOffsetError", "spool_content"]

PIECE_BYTES: Final = 256 * 1024

Opener = Callable[[int], Iterable[bytes]]


class UnprovenOffsetError(TransientError):
    """A content cannot be opened in the middle: nothing proves that its beginning is still the same."""


class _Remote(Protocol):
    """Client that `from_url` needs; `ctx.http` is one."""

    def content(
        self, url: str, filename: str | None, media_type: str | None = None, *, signed: bool = True
    ) -> Content:
        """Return the content behind an address."""


class Content:
    """Bytes of a file that can be opened repeatedly.

    Args:
        filename: with its extension; Bynder derives the file's type from it.
        open: yields the bytes from an offset on; called as often as needed. It may raise any error of
            `damlink.errors`, such as `NotYet`, which then counts for the asset.
        size: bytes, if known.
        media_type: such as `image/jpeg`; guessed from the file name if not given.
        validator: a strong validator of the bytes (an ETag, a digest): the same validator means
            the same bytes, so that a transfer may go on in the middle after a crash, and several parts
            of the file may be read in parallel: `open` is then called from several threads.
    """

    def __init__(
        self,
        filename: str,
        open: Opener,  # noqa: A002 - the contract's word
        size: int | None = None,
        media_type: str | None = None,
        *,
        validator: str | None = None,
    ) -> None:
        _check(filename, size, media_type, validator)
        self._filename = clean(filename)
        self._open = open
        self._size = size
        self._media_type = media_type
        self._validator = validator

    @property
    def filename(self) -> str:
        """The file's name with its extension."""
        return self._filename

    @property
    def size(self) -> int | None:
        """Number of bytes, or `None` if it is unknown."""
        return self._size

    @property
    def media_type(self) -> str:
        """Such as `image/jpeg`; `application/octet-stream` if nothing is known."""
        return self._media_type or mimetypes.guess_type(self.filename)[0] or "application/octet-stream"

    @property
    def validator(self) -> str | None:
        """A strong validator of the bytes, or `None`."""
        return self._validator

    @property
    def has_ranges(self) -> bool:
        """True if any part of the bytes can be read by itself, and belongs to the same file for certain."""
        return self.validator is not None and self.size is not None

    def open(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset` on."""
        return _pieces(self._open(offset), self._filename)

    def open_range(self, offset: int, count: int) -> Iterator[bytes]:
        """Yield `count` bytes from `offset` on, or fewer if there are no more."""
        return _cut(self.open(offset), count)

    def parts(self, size: int, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset` on in parts of one size, of which the last one may be smaller.

        For a partner that takes a file in several requests: each part is bytes, which a request can send
        again. Memory holds a part or two, whatever the size of the file. An empty file has no part.

        Args:
            size: bytes of a part.
            offset: bytes that need not be sent again, such as those of the parts that the partner has.

        Raises:
            TransientError: the source ends too early, sends another file meanwhile, or breaks off.
            ValueError: the size is not positive.
        """
        if size < 1:
            raise ValueError(f"a part of {size} bytes: write a positive number")
        count, part = offset, io.BytesIO()
        for piece in self.open(offset):
            count += len(piece)
            left = memoryview(piece)
            while len(left) >= size - part.tell():
                room = size - part.tell()
                part.write(left[:room])
                left = left[room:]
                # The bytes are not copied: `part` lets them go with its own end.
                whole, part = part.getvalue(), io.BytesIO()
                yield whole
                del whole
            part.write(left)
        if self.size is not None and count != max(self.size, offset):
            raise TransientError(f"{self.filename} ended after {count} of {self.size} bytes")
        if part.tell():
            yield part.getvalue()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the bytes to a file, and return its path. Memory does not grow with the file.

        They are written under another name beside it, which is renamed when all of them are there and on the
        disk: a failure leaves nothing behind, and an existing file as it was.

        Args:
            path: of the file, or of a folder, in which it gets the content's own name.

        Raises:
            TransientError: the source ends too early, sends another file meanwhile, or breaks off.
            OSError: the file cannot be written; it is named in the error.
        """
        target = Path(path)
        if target.is_dir():
            name = Path(self.filename).name
            target /= name if name.strip(".") else "file"
        with replacing(target) as file, contextlib.closing(self):
            count = sum(map(file.write, self.open()))
            if self.size is not None and count != self.size:
                raise TransientError(f"{self.filename} ended after {count} of {self.size} bytes")
        return target

    def close(self) -> None:
        """Close an opening that is still open."""

    def __repr__(self) -> str:
        return f"Content({self._filename!r}, size={self._size})"

    @classmethod
    def from_bytes(cls, data: bytes, filename: str) -> Content:
        """Return the content of a few bytes in memory."""
        return cls(filename, lambda offset: (data[offset:],), size=len(data))

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], filename: str | None = None) -> Content:
        """Return the content of a file on disk; another time or size means other bytes."""
        file = Path(path)
        return _PathContent(file, filename or file.name)

    @classmethod
    def from_url(
        cls,
        client: Any,
        url: str,
        filename: str | None = None,
        media_type: str | None = None,
        *,
        signed: bool = True,
    ) -> Content:
        """Return the content behind an address, which is requested at the first use.

        Args:
            client: `ctx.http`. What belongs to another origin is fetched unsigned.
            filename: if not given, the one the answer names.
            media_type: what is expected, such as `image/jpeg`, where no filename says it: an error page in
                its place is refused.
            signed: `False`: send no credentials, though the address is of the partner's own origin, such as
                one that carries its own signature.
        """
        remote: _Remote = client
        return remote.content(url, filename, media_type, signed=signed)


def _check(filename: object, size: object, media_type: object, validator: object) -> None:
    if not isinstance(filename, str):
        raise TypeError(f"Content: filename is {show(filename)}; write text")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise TypeError(f"Content: size is {show(size)}; write a number of bytes, or None")
    for name, value in (("media_type", media_type), ("validator", validator)):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"Content: {name} is {show(value)}; write text, or None")


def _pieces(pieces: Iterable[bytes], filename: str) -> Iterator[bytes]:
    """Yield the pieces, and close their source."""
    found = iter(pieces)
    try:
        for piece in found:
            if not isinstance(piece, bytes | bytearray | memoryview):
                raise TypeError(f"the content of {filename!r} yields {show(piece)}; yield bytes")
            yield piece
    finally:
        _close(found)


def _close(pieces: Iterator[bytes]) -> None:
    close = getattr(pieces, "close", None)
    if close is not None:
        close()


def _cut(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    """Yield the first bytes, and close their source after them."""
    try:
        for piece in pieces:
            yield piece[:count] if len(piece) > count else piece
            count -= len(piece)
            if count <= 0:
                return
    finally:
        _close(pieces)


class _PathContent(Content):
    """Content of a file on disk."""

    def __init__(self, path: Path, filename: str) -> None:
        facts = path.stat()
        super().__init__(filename, self._read, size=facts.st_size, validator=_validator(facts))
        self._path = path

    def _read(self, offset: int) -> Iterator[bytes]:
        with self._path.open("rb", buffering=0) as file:
            file.seek(offset)
            while piece := file.read(PIECE_BYTES):
                yield piece

    def open_range(self, offset: int, count: int) -> Iterator[bytes]:
        """Yield a part of the file.

        Raises:
            TransientError: the file has changed since this object was created.
        """
        yield from super().open_range(offset, count)
        if _validator(self._path.stat()) != self.validator:
            raise TransientError(f"{self._path} changed while it was read")


def _validator(facts: os.stat_result) -> str:
    return f"{facts.st_mtime_ns}-{facts.st_size}"


class Openable(Protocol):
    """Bytes that a `ContentFile` reads."""

    @property
    def size(self) -> int | None:
        """Number of bytes."""

    def open(self) -> Iterator[bytes]:
        """Yield the bytes from the beginning."""


class ContentFile:
    """Content as the file of a multipart form: read in pieces, and again from the beginning after `seek`."""

    def __init__(self, content: Openable) -> None:
        self._content = content
        self._pieces: Iterator[bytes] | None = None

    def read(self, _count: int = -1) -> bytes:
        """Return the next piece, whatever its length; empty at the end."""
        if self._pieces is None:
            self._pieces = self._content.open()
        return next(filter(None, self._pieces), b"")

    def tell(self) -> int:
        """Return the beginning: the position is only requested before the first read."""
        return 0

    def seek(self, _offset: int, whence: int = os.SEEK_SET) -> int:
        """Go back to the beginning; at the end return the size, for the form's announced length.

        Raises:
            OSError: the size is unknown.
        """
        if whence == os.SEEK_END:
            if self._content.size is None:
                raise OSError("the size is unknown")
            return self._content.size
        self.close()
        return 0

    def close(self) -> None:
        """Close what was opened for reading."""
        pieces, self._pieces = self._pieces, None
        if pieces is not None:
            _close(pieces)


class Spool:
    """Bytes in a temporary file without a name: no other process can open, replace or guess it, and the
    operating system removes it when it is closed, also after a crash.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        with naming("the folder of temporary files (TMPDIR)"):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close(), or with this object
        self._closing = weakref.finalize(self, self._file.close)
        folder = f"a temporary file in {tempfile.gettempdir()}"
        try:
            for piece in pieces:
                # What the source raises is not about this file.
                with naming(folder):
                    self._file.write(piece)
            with naming(folder):
                self._file.flush()
        except BaseException:
            self.close()
            raise
        self.size = self._file.tell()

    def read(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes from an offset; several readers do not disturb each other."""
        return os.pread(self._file.fileno(), count, offset)

    def pieces(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from an offset."""
        while piece := self.read(offset, PIECE_BYTES):
            yield piece
            offset += len(piece)

    def close(self) -> None:
        """Remove the file."""
        self._closing()


@contextlib.contextmanager
def spool_content(content: Content) -> Iterator[Content]:
    """Yield the same content with its size known, by way of a temporary file."""
    with contextlib.closing(Spool(content.open())) as spool:
        yield Content(content.filename, spool.pieces, size=spool.size, media_type=content.media_type)
