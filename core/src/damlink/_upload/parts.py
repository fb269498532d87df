"""Parts of an upload: what is common to those in memory and those that are read while they are sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Protocol

from damlink._content import ContentFile
from damlink.errors import TransientError

__all__ = ["ChangedContentError", "Part", "PartFile", "Report"]

Report = Callable[[int], None]
"""Called with a number of bytes that are sent."""


class ChangedContentError(TransientError):
    """The content has changed since the upload began."""


class Part(Protocol):
    """One part of an upload. Its checksums are known once it has been sent."""

    @property
    def number(self) -> int:
        """Position in the file, from 1."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    @property
    def crc32(self) -> int:
        """CRC-32 of its bytes."""

    @property
    def digest(self) -> str:
        """Digest of its bytes, in hexadecimal."""

    @property
    def at_once(self) -> int:
        """Number of such parts of one upload that are sent in parallel."""

    def open(self) -> Iterator[bytes]:
        """Yield the bytes from the beginning, in pieces."""

    def cancel(self) -> None:
        """End the sending, from another thread."""

    def release(self) -> None:
        """Release the memory of a part that is not sent any more."""


class PartFile(ContentFile):
    """A part as the file of a form.

    Args:
        report: called with the bytes that are sent for the first time.
    """

    def __init__(self, part: Part, report: Report) -> None:
        super().__init__(part)
        self._report = report
        self._sent = 0
        self._reported = 0
        self.is_whole = False

    def read(self, _count: int = -1) -> bytes:
        """Return the next piece, whatever its length; empty at the end."""
        piece = super().read()
        self._sent += len(piece)
        self.is_whole = not piece
        if self._sent > self._reported:
            self._report(self._sent - self._reported)
            self._reported = self._sent
        return piece

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go back to the beginning, or return the size."""
        if whence == os.SEEK_SET:
            self._sent, self.is_whole = 0, False
        return super().seek(offset, whence)
