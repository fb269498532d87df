"""Streamed bodies of requests: a failure of the body's source is not a failure of the request."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Final

import httpx

from damlink._http.outcome import is_repeatable
from damlink._http.retry import Account
from damlink._system.waiting import SLICE_SECONDS, Verify, verify_nothing, verify_wait

__all__ = ["guard_body", "stream_of", "unwrap_failures"]

# Pieces below this size, such as the fields of a form, are sent together.
_SMALL_BYTES: Final = 16 * 1024


class _SourceFailureError(Exception):
    """Wrapper of an error raised by the body's source, so that it is not handled as a network error."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _GuardedStream(httpx.SyncByteStream):
    """Body whose sending does not count as the request's own time, and ends when the run does."""

    def __init__(self, stream: httpx.SyncByteStream, account: Account, verify: Verify) -> None:
        self._stream = stream
        self._account = account
        self._verify = verify

    def __iter__(self) -> Iterator[bytes]:
        began = checked_at = time.monotonic()
        try:
            for piece in _join_small(self._stream):
                yield piece
                if (now := time.monotonic()) - checked_at >= SLICE_SECONDS:
                    checked_at = now
                    verify_wait(self._verify)
        except Exception as error:
            raise _SourceFailureError(error) from error
        finally:
            # A large body may take minutes, and is worth another attempt after them.
            self._account.held_seconds += time.monotonic() - began

    def close(self) -> None:
        self._stream.close()


def _join_small(pieces: httpx.SyncByteStream) -> Iterator[bytes]:
    small = bytearray()
    for piece in pieces:
        if len(piece) < _SMALL_BYTES:
            small += piece
        if small and (len(piece) >= _SMALL_BYTES or len(small) >= _SMALL_BYTES):
            yield bytes(small)
            small.clear()
        if len(piece) >= _SMALL_BYTES:
            yield piece
    if small:
        yield bytes(small)


def guard_body(request: httpx.Request, account: Account, verify: Verify) -> None:
    """Wrap the errors of a streamed body, so that the request is not repeated because of them.

    Args:
        verify: called repeatedly while a body is sent that may be sent again; raises to stop it.
    """
    stream = stream_of(request)
    if isinstance(stream, httpx.SyncByteStream) and not isinstance(stream, httpx.ByteStream):
        stoppable = verify if is_repeatable(request) else verify_nothing
        request.stream = _GuardedStream(stream, account, stoppable)


def stream_of(request: httpx.Request) -> Any:
    """Return the original body of a request, guarded or not."""
    return request.stream._stream if isinstance(request.stream, _GuardedStream) else request.stream


@contextlib.contextmanager
def unwrap_failures() -> Iterator[None]:
    """Raise the original error of a guarded body."""
    try:
        yield
    except _SourceFailureError as failure:
        raise failure.cause from failure
