"""Streamed bodies of requests: a failure of the body's source is not a failure of the request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx

__all__ = ["guard_body", "stream_of", "unwrap_failures"]


class _SourceFailureError(Exception):
    """Wrapper of an error raised by the body's source, so that it is not handled as a network error."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _GuardedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except Exception as error:
            raise _SourceFailureError(error) from error

    def close(self) -> None:
        self._stream.close()


def guard_body(request: httpx.Request) -> None:
    """Wrap the errors of a streamed body, so that the request is not repeated because of them."""
    stream = request.stream
    if isinstance(stream, httpx.SyncByteStream) and not isinstance(stream, _GuardedStream | httpx.ByteStream):
        request.stream = _GuardedStream(stream)


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
