"""A file as an answer: whole or in ranges, with a strong ETag."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from starlette.responses import Response, StreamingResponse

__all__ = ["Served", "send_file"]

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Served(Protocol):
    """Bytes that can be sent: a `MediaFile`, or any of the sandbox's contents with a media type."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def media_type(self) -> str:
        """Such as `image/jpeg`."""

    def sha256(self) -> str:
        """Return the digest of all bytes, hex."""

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset`."""


def send_file(
    method: str,
    headers: Mapping[str, str],
    file: Served,
    *,
    filename: str = "",
    etag: str | None = None,
    has_etag: bool = True,
    has_ranges: bool = True,
) -> Response:
    """Return a file, or the range that the request's headers ask for.

    Args:
        method: GET or HEAD.
        headers: of the request.
        filename: named in `Content-Disposition` if given.
        etag: by default the digest of the bytes.
        has_etag: send one, and honour `If-Range`.
        has_ranges: honour `Range`.
    """
    mark = f'"{etag or file.sha256()}"' if has_etag else ""
    sent = {"ETag": mark} if mark else {}
    sent |= {"Content-Disposition": f"attachment; filename={filename}"} if filename else {}
    sent |= {"Accept-Ranges": "bytes"} if has_ranges else {}
    asked = headers.get("range", "") if has_ranges else ""
    if "if-range" in headers and headers["if-range"] != mark:
        asked = ""
    return _answer(method, file, sent, asked)


def _answer(method: str, file: Served, headers: dict[str, str], asked: str) -> Response:
    status, start, end = _part(asked, file.size)
    if status == 416:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{file.size}"})
    headers |= {"Content-Length": str(end - start)}
    if status == 206:
        headers |= {"Content-Range": f"bytes {start}-{end - 1}/{file.size}"}
    if method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=file.media_type)
    return StreamingResponse(_up_to(file.read(start), end - start), status, headers, file.media_type)


def _part(asked: str, size: int) -> tuple[int, int, int]:
    """Return status, first byte and the one after the last. Several ranges at once: the whole file."""
    match = _RANGE.fullmatch(asked)
    if not match or match.groups() == ("", ""):
        return 200, 0, size
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    return (206, start, end) if start < end else (416, 0, 0)


def _up_to(pieces: Iterator[bytes], length: int) -> Iterator[bytes]:
    for piece in pieces:
        if length <= 0:
            return
        yield piece[:length]
        length -= len(piece)
