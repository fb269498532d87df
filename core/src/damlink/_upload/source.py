"""The source of an upload: what goes wrong in reading it is never taken for the target's failure."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

from damlink._content import Content, UnprovenOffsetError
from damlink._http.media_kind import check_kind

__all__ = ["SourceFailureError", "opened"]


def opened(content: Content, part_bytes: int, first: int) -> tuple[Iterator[bytes], int]:
    """Open a content behind so many parts; from its beginning if it cannot be trusted there.

    Returns:
        The pieces, and behind how many parts they begin.
    """
    if first:
        pieces = _from_source(content, first * part_bytes)
        with contextlib.suppress(UnprovenOffsetError):
            head = list(itertools.islice(pieces, 1))
            return itertools.chain(head, pieces), first
    return _from_source(content), 0


def _from_source(content: Content, offset: int = 0) -> Iterator[bytes]:
    """Yield the bytes of a content; what goes wrong there is never taken for the target's failure.

    Raises:
        SourceFailureError: wraps whatever reading it has raised, but for the next.
        UnprovenOffsetError: it cannot be read from there.
    """
    try:
        pieces = content.open(offset)
        yield from pieces if offset else check_kind(pieces, content.filename)
    except UnprovenOffsetError:
        raise
    except Exception as error:
        raise SourceFailureError(error) from error


class SourceFailureError(Exception):
    """The source of an upload cannot be read. Is none of the errors that a target can cause."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause
