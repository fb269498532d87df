"""Reads whole answers, within a deadline and up to a size. Downloads of files are not read here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final, cast

import attrs
import httpx

__all__ = ["ANSWER_BYTES", "ANSWER_SECONDS", "AnswerLimits", "read_answer"]

ANSWER_SECONDS: Final = 120.0  # from the head of the answer to its last byte
ANSWER_BYTES: Final = 64 * 1024 * 1024  # decompressed; a page of 1,000 assets takes a few
PIECE_BYTES: Final = 4096  # decompressed at once: a thousand times as much at most
ENCODINGS: Final = "gzip, deflate"  # what is asked for; one of them has a known, bounded ratio
_KNOWN: Final = frozenset({"gzip", "deflate", "identity"})


@attrs.frozen
class AnswerLimits:
    """How long an answer may take, and how large it may be once decompressed."""

    seconds: float = ANSWER_SECONDS
    bytes: int = ANSWER_BYTES


def read_answer(response: httpx.Response, limits: AnswerLimits) -> None:
    """Read the body, so that `content` and `text` can be used. Does nothing if it has been read.

    Raises:
        httpx.DecodingError: it is too large, or compressed in a way that was not asked for.
        httpx.ReadTimeout: it takes too long.
        httpx.RequestError: it breaks off.
    """
    if hasattr(response, "_content"):
        return
    try:
        response._content = _body(response, limits)
    finally:
        response.close()


def _body(response: httpx.Response, limits: AnswerLimits) -> bytes:
    _prepare_decoding(response)
    deadline = time.monotonic() + limits.seconds
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > limits.bytes:
            message = f"the answer is larger than {limits.bytes} bytes"
            raise httpx.DecodingError(message, request=response.request)
        if time.monotonic() > deadline:
            message = f"the answer takes longer than {limits.seconds:g} seconds"
            raise httpx.ReadTimeout(message, request=response.request)
    return bytes(body)


def _prepare_decoding(response: httpx.Response) -> None:
    """Decode in small steps; refuse unknown encodings, and one within another: they know no bounds."""
    if "content-encoding" not in response.headers:
        return
    encodings = response.headers.get_list("content-encoding", split_commas=True)
    if len(encodings) > 1 or not _KNOWN.issuperset(each.strip().lower() for each in encodings):
        message = f"the answer is encoded as {', '.join(encodings)}"
        raise httpx.DecodingError(message, request=response.request)
    response.stream = _Pieces(response.stream)


class _Pieces(httpx.SyncByteStream):
    """A body in small pieces, so that none of them fills the memory when it is decompressed."""

    def __init__(self, inner: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        self._inner = cast(httpx.SyncByteStream, inner)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            for start in range(0, len(piece), PIECE_BYTES):
                yield piece[start : start + PIECE_BYTES]

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()
