"""Reading of whole answers, within a deadline and up to a size. Downloads of files are not read here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final, cast

import attrs
import httpx

__all__ = ["ANSWER_BYTES", "ANSWER_SECONDS", "AnswerLimits", "read_answer"]

# From the headers of the answer to its last byte.
ANSWER_SECONDS: Final = 120.0
# Decompressed; a page of 1,000 assets takes a few MiB.
ANSWER_BYTES: Final = 64 * 1024 * 1024
# Decompressed at once, which yields at most a thousand times as much.
PIECE_BYTES: Final = 4096
# Only encodings with a known, bounded ratio.
ENCODINGS: Final = "gzip, deflate"
_KNOWN: Final = frozenset({"gzip", "deflate", "identity"})


@attrs.frozen
class AnswerLimits:
    """Limits of an answer: the time to read it, and its decompressed size."""

    seconds: float = ANSWER_SECONDS
    bytes: int = ANSWER_BYTES


def read_answer(response: httpx.Response, limits: AnswerLimits) -> None:
    """Read the body, so that `content` and `text` can be used. Do nothing if it has been read.

    Raises:
        httpx.DecodingError: it is too large, or its compression was not requested.
        httpx.ReadTimeout: it takes too long.
        httpx.RequestError: it breaks off.
    """
    if hasattr(response, "_content"):
        return
    try:
        response._content = _body(response, limits)
    finally:
        response.close()
    # The stream refers back to its response: without it the request, and the body that it has sent, end at
    # once and not with the next garbage collection.
    response.stream = httpx.ByteStream(response._content)


def _body(response: httpx.Response, limits: AnswerLimits) -> bytes:
    _prepare_decoding(response)
    deadline = time.monotonic() + limits.seconds
    pieces, size = [], 0
    for piece in response.iter_bytes():
        pieces.append(piece)
        size += len(piece)
        if size > limits.bytes:
            message = f"the answer is larger than {limits.bytes} bytes"
            raise httpx.DecodingError(message, request=response.request)
        if time.monotonic() > deadline:
            message = f"the answer takes longer than {limits.seconds:g} seconds"
            raise httpx.ReadTimeout(message, request=response.request)
    return b"".join(pieces)


def _prepare_decoding(response: httpx.Response) -> None:
    """Decode in small steps; refuse unknown and nested encodings, whose ratio is unbounded."""
    if "content-encoding" not in response.headers:
        return
    encodings = response.headers.get_list("content-encoding", split_commas=True)
    if len(encodings) > 1 or not _KNOWN.issuperset(each.strip().lower() for each in encodings):
        message = f"the answer is encoded as {', '.join(encodings)}"
        raise httpx.DecodingError(message, request=response.request)
    response.stream = _Pieces(response.stream)


class _Pieces(httpx.SyncByteStream):
    """Body in small pieces, so that decompressing one of them cannot fill the memory."""

    def __init__(self, inner: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        self._inner = cast(httpx.SyncByteStream, inner)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            for start in range(0, len(piece), PIECE_BYTES):
                yield piece[start : start + PIECE_BYTES]

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()
