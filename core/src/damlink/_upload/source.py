"""Source of an upload. Its errors are kept apart from those of the portal and S3."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

from damlink._content import Content, UnprovenOffsetError
from damlink._http.media_kind import check_kind

__all__ = ["SourceFailureError", "open_source", "read_source"]


def open_source(content: Content, part_bytes: int, first: int) -> tuple[Iterator[bytes], int]:
    """Open a content after its first parts, or from its beginning if the offset is not reliable.

    Returns:
        The pieces, and the number of parts that are skipped.
    """
    if first:
        pieces = read_source(content, first * part_bytes)
        with contextlib.suppress(UnprovenOffsetError):
            head = list(itertools.islice(pieces, 1))
            return itertools.chain(head, pieces), first
    return read_source(content), 0


def read_source(content: Content, offset: int = 0, count: int | None = None) -> Iterator[bytes]:
    """Yield the bytes of a content.

    Args:
        count: number of bytes; all that follow if not given, or if the content has no ranges.

    Raises:
        SourceFailureError: wraps any other error of the source.
        UnprovenOffsetError: the content cannot be read from this offset.
    """
    try:
        is_range = count is not None and content.has_ranges
        pieces = content.open_range(offset, count or 0) if is_range else content.open(offset)
        yield from pieces if offset else check_kind(pieces, content.filename)
    except UnprovenOffsetError:
        raise
    except Exception as error:
        raise SourceFailureError(error) from error


class SourceFailureError(Exception):
    """The source of an upload cannot be read. It derives from no error that a target can cause."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause
