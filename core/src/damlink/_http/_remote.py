"""The bytes behind an address, as content that can be opened again at any offset."""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
import re
import threading
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import httpx

from damlink._content import Content
from damlink.errors import ConnectorError, TransientError

if TYPE_CHECKING:
    from damlink._http import Client

__all__ = ["RemoteContent"]

RECONNECTIONS: Final = 5  # without a byte in between
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity"}  # compressed bytes have other offsets
_FILENAME: Final = re.compile(r"""filename\s*=\s*("([^"]*)"|[^;]+)""", re.IGNORECASE)


class RemoteContent(Content):
    """A file fetched by GET when it is first needed.

    A connection that breaks is taken up again where it broke: by a range where the server vouches
    for the bytes with a strong ETag, otherwise from the beginning, comparing what came before.
    """

    def __init__(self, client: Client, url: str, filename: str | None) -> None:
        super().__init__(filename or "", self._read)
        self._client = client
        self._url = url
        self._facts: httpx.Headers | None = None
        self._first: httpx.Response | None = None
        self._lock = threading.Lock()

    @property
    def filename(self) -> str:
        """As given, else as the answer names it, else the last part of the address."""
        return self._filename or _filename(self._headers) or self._unnamed()

    @property
    def size(self) -> int | None:
        """Bytes, as the answer announces them."""
        return _size(self._headers)

    @property
    def media_type(self) -> str:
        """As the answer names it."""
        self._media_type = self._headers.get("content-type", "").partition(";")[0].strip() or None
        return super().media_type

    @property
    def validator(self) -> str | None:
        """The answer's ETag, if it is a strong one."""
        etag: str = self._headers.get("etag", "")
        return etag if etag.startswith('"') else None

    @property
    def _headers(self) -> httpx.Headers:
        with self._lock:
            if self._facts is None:
                self._first = self._get({})
                self._facts = self._first.headers
            return self._facts

    def close(self) -> None:
        """Let go of an answer that nobody has read."""
        with self._lock:
            response, self._first = self._first, None
        if response is not None:
            response.close()

    def _unnamed(self) -> str:
        """The file's name where the answer gives none."""
        return posixpath.basename(httpx.URL(self._url).path)

    def _address(self) -> str:
        """Where the next connection goes to."""
        return self._url

    def _get(self, headers: Mapping[str, str]) -> httpx.Response:
        request = self._client.build_request("GET", self._address(), headers={**_HEADERS, **headers})
        return self._client.send(request, stream=True)

    def _read(self, offset: int) -> Iterator[bytes]:
        come = _Come(offset, None if self.validator else hashlib.sha256())
        failures = 0
        while self.size is None or come.bytes < self.size:
            before = come.bytes
            try:
                with contextlib.closing(self._pieces(come)) as pieces:
                    yield from come.counted(pieces)
                self._check_end(come.bytes)
                return
            except ConnectorError as error:
                if self.size is not None or error.status != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise
                return  # there is nothing behind the last byte
            except (httpx.TransportError, httpx.StreamError) as error:
                failures = 1 if come.bytes > before else failures + 1
                if failures >= RECONNECTIONS:
                    message = f"the download of {self.filename} breaks off after {come.bytes} bytes"
                    raise TransientError(message) from error
        if come.bytes > offset:
            self._check_end(come.bytes)

    def _pieces(self, come: _Come) -> Generator[bytes, None, None]:
        """The pieces from where we are."""
        response = self._response(come.bytes)
        with contextlib.closing(response):
            pieces = response.iter_bytes()  # as they come: a piece that is being filled would be lost
            if response.status_code != httpx.codes.PARTIAL_CONTENT and come.bytes:
                pieces = _skip(pieces, come)
            yield from pieces

    def _response(self, offset: int) -> httpx.Response:
        with self._lock:
            first, self._first = self._first, None
        if first is not None and offset == 0:
            return first
        if first is not None:
            first.close()
        validator = self.validator
        if not offset or not validator:
            return self._from_the_beginning()
        response = self._get({"Range": f"bytes={offset}-", "If-Range": validator})
        if response.headers.get("etag") not in (None, validator):
            response.close()
            raise TransientError(f"{self.filename} changed at its source while it was read")
        return response

    def _from_the_beginning(self) -> httpx.Response:
        response = self._get({})
        if None not in (self.size, size := _size(response.headers)) and size != self.size:
            response.close()
            raise TransientError(f"{self.filename} changed at its source while it was read")
        return response

    def _check_end(self, count: int) -> None:
        if self.size is not None and count != self.size:
            raise TransientError(f"{self.filename} ended after {count} of {self.size} bytes")


class _Come:
    """How many bytes have come, and their digest where nothing else vouches for them."""

    def __init__(self, offset: int, digest: Any) -> None:
        self.bytes = offset
        self.began = offset
        self.digest = digest

    def counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same pieces, counted."""
        for piece in pieces:
            self.bytes += len(piece)
            if self.digest:
                self.digest.update(piece)
            yield piece


def _skip(pieces: Iterator[bytes], come: _Come) -> Iterator[bytes]:
    """Pass over what has come before, making sure that it is the same."""
    passed, left = hashlib.sha256(), come.bytes
    for piece in pieces:
        beginning, rest = piece[:left], piece[left:]
        if beginning:
            passed.update(beginning[max(0, come.began - (come.bytes - left)) :])
            left -= len(beginning)
            if not left and come.digest and passed.digest() != come.digest.digest():
                raise TransientError("the file changed at its source while it was read")
        if rest:
            yield rest
    if left:
        raise TransientError("the file became shorter at its source while it was read")


def _size(headers: httpx.Headers) -> int | None:
    length = headers.get("content-length", "")
    return int(length) if length.isdigit() and "content-encoding" not in headers else None


def _filename(headers: httpx.Headers) -> str:
    match = _FILENAME.search(headers.get("content-disposition", ""))
    return posixpath.basename((match[2] or match[1]).strip().replace("\\", "/")) if match else ""
