"""The body of a request that is read from a source: a failure of the source is no failure of the request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx

__all__ = ["guard_body", "stream_of", "unwrap_failures"]


class _SourceFailureError(Exception):
    """Carries what reading the body has raised past everything that would take it for an answer."""

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
    """Mark failures of a streamed body, so that the request is not repeated because of them."""
    stream = request.stream
    if isinstance(stream, httpx.SyncByteStream) and not isinstance(stream, _GuardedStream | httpx.ByteStream):
        request.stream = _GuardedStream(stream)


def stream_of(request: httpx.Request) -> Any:
    """Return the body of a request as it was before it was guarded."""
    return request.stream._stream if isinstance(request.stream, _GuardedStream) else request.stream


@contextlib.contextmanager
def unwrap_failures() -> Iterator[None]:
    """Raise what reading a guarded body has raised."""
    try:
        yield
    except _SourceFailureError as failure:
        raise failure.cause from failure
