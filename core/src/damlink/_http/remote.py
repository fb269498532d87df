"""Content at an address, which can be opened again at any offset."""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
import re
import threading
from collections.abc import Collection, Generator, Iterator, Mapping
from typing import Any, Final

import httpx

from damlink._content import Content, UnprovenOffsetError
from damlink._http.described import describe
from damlink._http.media_kind import check_kind
from damlink._http.outcome import ACCEPTED
from damlink.errors import TransientError

__all__ = ["RemoteContent"]

# Connections in a row that deliver no byte.
RECONNECTIONS: Final = 5
# Uncompressed: compressed bytes have other offsets.
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity"}
_WHOLE: Final = (httpx.codes.OK, httpx.codes.NON_AUTHORITATIVE_INFORMATION)
_RANGED: Final = (httpx.codes.PARTIAL_CONTENT, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE)
_CONTENT_RANGE: Final = re.compile(r"bytes (?P<first>\d{1,19})-\d{1,19}/(?P<size>\d{1,19}|\*)")
_SIZE_IN_RANGE: Final = re.compile(r"bytes (?:\d{1,19}-\d{1,19}|\*)/(?P<size>\d{1,19})")
_FILENAME: Final = re.compile(r"""filename\s*=\s*("([^"]*)"|[^;]+)""", re.IGNORECASE)


class RemoteContent(Content):
    """Content fetched by GET when it is first needed.

    After a broken connection the download continues at the same offset: with a range request if the
    server sends the same strong ETag, otherwise from the beginning, comparing a digest of the bytes
    received before. A size that only one answer has named is asked for once more before the last bytes are
    yielded, since a shortened answer looks whole.

    Args:
        media_type: what is expected, where no filename says it.
        signed: send the client's credentials, if the address is of its origin.
    """

    def __init__(
        self,
        client: httpx.Client,
        url: str,
        filename: str | None,
        media_type: str | None = None,
        *,
        signed: bool = True,
    ) -> None:
        super().__init__(filename or "", self._read)
        self._expected = media_type or ""
        self._client = client
        self._url = url
        self._options: Mapping[str, Any] = {} if signed else {"auth": None}
        self._facts: httpx.Headers | None = None
        self._first: httpx.Response | None = None
        self._ignores_ranges = False
        self._confirmed: int | None = None
        self._lock = threading.Lock()

    @property
    def filename(self) -> str:
        """The given name, or that of the answer, or the last part of the address."""
        return self._filename or _filename(self._headers) or self._name_from_address()

    @property
    def size(self) -> int | None:
        """Bytes announced by the answer."""
        size = _size(self._headers)
        if size == 0:
            self._confirm(size)
        return size

    @property
    def media_type(self) -> str:
        """The media type in the answer."""
        self._media_type = self._headers.get("content-type", "").partition(";")[0].strip() or None
        return super().media_type

    @property
    def validator(self) -> str | None:
        """The answer's ETag if it is strong."""
        return _strong(self._headers)

    @property
    def has_ranges(self) -> bool:
        """True if ranges are announced, and a strong ETag and the size prove that they belong together."""
        announced = self._headers.get("accept-ranges", "").strip().lower() == "bytes"
        return announced and not self._ignores_ranges and super().has_ranges

    def open_range(self, offset: int, count: int) -> Iterator[bytes]:
        """Yield a range of the file.

        Raises:
            UnprovenOffsetError: the server sends no ranges, or nothing proves that this is the same file.
        """
        return self._read(offset, min(offset + count, self.size or 0))

    @property
    def _headers(self) -> httpx.Headers:
        with self._lock:
            if self._facts is None:
                self._first = self._get({})
                self._facts = self._first.headers
            return self._facts

    def close(self) -> None:
        """Close an answer that was not read."""
        with self._lock:
            response, self._first = self._first, None
        if response is not None:
            response.close()

    @property
    def _announced(self) -> str:
        """The media type that is known before the answer, if any."""
        return self._expected

    def _name_from_address(self) -> str:
        """Return the file's name if the answer contains none."""
        return posixpath.basename(httpx.URL(self._url).path)

    def _address(self) -> str:
        """Return the address of the next connection."""
        return self._url

    def _get(self, headers: Mapping[str, str], accept: Collection[int] = ()) -> httpx.Response:
        """Send a GET. Accept only a whole file, and the statuses of `accept`."""
        request = self._client.build_request("GET", self._address(), headers={**_HEADERS, **headers})
        request.extensions[ACCEPTED] = accept
        response = self._client.send(request, stream=True, **self._options)
        if response.status_code not in (*_WHOLE, *accept):
            response.close()
            status, host = response.status_code, response.request.url.host
            error = TransientError(f"{host} answered {status} in place of a file", status=status)
            raise describe(error, response, is_own=False)
        return response

    def _read(self, offset: int, end: int | None = None) -> Iterator[bytes]:
        received = _Progress(offset, end)
        failures = 0
        while received.is_before(self.size if end is None else end):
            before = received.bytes
            try:
                with contextlib.closing(self._pieces(received)) as pieces:
                    for piece in received.count(pieces):
                        if end is None and received.bytes == self.size:
                            self._confirm(received.bytes)
                        yield piece
                self._check_end(received.bytes, end)
                return
            except (httpx.TransportError, httpx.StreamError) as error:
                failures = 1 if received.bytes > before else failures + 1
                if failures >= RECONNECTIONS:
                    message = f"the download of {self.filename} breaks off after {received.bytes} bytes"
                    raise TransientError(message) from error
        if received.bytes > offset:
            self._check_end(received.bytes, end)

    def _pieces(self, received: _Progress) -> Generator[bytes, None, None]:
        """Yield the pieces after the bytes received so far."""
        response = self._response(received)
        with contextlib.closing(response):
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return
            # In the sizes of the network: a break would lose a piece that is being filled.
            pieces = _end_early(response.iter_bytes(), response.headers)
            if response.status_code == httpx.codes.PARTIAL_CONTENT:
                yield from pieces
            elif received.bytes:
                yield from _skip(pieces, received)
            else:
                yield from self._check_kind(pieces, response.headers)

    def _check_kind(self, pieces: Iterator[bytes], headers: httpx.Headers) -> Iterator[bytes]:
        """Yield the pieces of the whole file, unless an error document was sent in its place."""
        name = self._filename or _filename(headers) or posixpath.basename(httpx.URL(self._url).path)
        return check_kind(pieces, name, self._announced, headers.get("content-type", ""))

    def _response(self, received: _Progress) -> httpx.Response:
        """Request the rest if a strong ETag can prove it to be one, otherwise the whole file."""
        validator = self.validator  # sends the first request if there was none yet
        if not received.bytes or received.end is None:
            with self._lock:
                first, self._first = self._first, None
            if first is not None and not received.bytes:
                return first
            if first is not None:
                first.close()
        if validator and received.range:
            response = self._get({"Range": received.range, "If-Range": validator}, _RANGED)
            if self._is_rest(response, received.bytes):
                self._confirmed = self.size
                return response
            if response.status_code in _WHOLE:
                return self._accept_whole(response, received)
            response.close()
        return self._accept_whole(self._get({}), received)

    def _is_rest(self, response: httpx.Response, offset: int) -> bool:
        """Return whether an answer is the requested range of the same file."""
        headers = response.headers
        if headers.get("etag") != self.validator or not self._is_as_old(headers):
            return False
        found: str = headers.get("content-range", "").strip()
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return found == f"bytes */{offset}"
        match = _CONTENT_RANGE.fullmatch(found)
        if match is None or "content-encoding" in headers:
            return False
        if response.status_code != httpx.codes.PARTIAL_CONTENT or int(match["first"]) != offset:
            return False
        return self.size is None or match["size"] == str(self.size)

    def _accept_whole(self, response: httpx.Response, received: _Progress) -> httpx.Response:
        try:
            self._check_whole(response.headers, received)
        except TransientError:
            response.close()
            raise
        return response

    def _check_whole(self, headers: httpx.Headers, received: _Progress) -> None:
        """Verify that an answer from the beginning can be the same file.

        Raises:
            TransientError: it is another file.
            UnprovenOffsetError: nothing proves that it is the same file, and its beginning was not read here.
        """
        if not received.bytes and received.end is None:
            self._confirmed = _size(headers) if _size(headers) == _size(self._headers) else None
            with self._lock:
                self._facts = headers  # no byte of an earlier answer was used
            return
        etag, size = _strong(headers), _size(headers)
        is_same = self.size in (None, size or self.size) and etag in (None, self.validator or etag)
        if not is_same or not self._is_as_old(headers):
            raise TransientError(f"{self.filename} changed at its source while it was read")
        self._confirmed = size
        if self.validator and not etag and (received.began or received.digest is None):
            raise UnprovenOffsetError(f"nothing proves that {self.filename} is still the same file")
        if received.end is not None and received.bytes:
            self._ignores_ranges = True
            raise UnprovenOffsetError(f"the server of {self.filename} sends no ranges")

    def _confirm(self, size: int) -> None:
        """Ask for the size once more, unless two answers have named it.

        A server that answers a range with an error is believed.

        Raises:
            TransientError: it is another one.
        """
        if size == self._confirmed:
            return
        request = self._client.build_request("GET", self._url, headers={**_HEADERS, "Range": "bytes=0-0"})
        request.extensions[ACCEPTED] = range(400, 500)
        with contextlib.closing(self._client.send(request, stream=True, **self._options)) as response:
            other = _whole_size(response)
        if other not in (None, size):
            raise TransientError(f"{self.filename} has {size} bytes by one answer and {other} by another")
        self._confirmed = size

    def _is_as_old(self, headers: httpx.Headers) -> bool:
        """Return whether the time of the last change is the same as in the first answer, or is unknown."""
        before, now = self._headers.get("last-modified"), headers.get("last-modified")
        return None in (before, now) or before == now

    def _check_end(self, count: int, end: int | None) -> None:
        if not count and self.size is None:
            self._confirm(count)
        if self.size is not None and count not in (end, self.size):
            raise TransientError(f"{self.filename} ended after {count} of {self.size} bytes")


class _Progress:
    """Bytes received so far, with a running SHA-256 unless only a range is read, which needs a strong ETag.

    Attributes:
        began: the offset of the first byte.
        end: the offset after the last byte of a range.
    """

    def __init__(self, offset: int, end: int | None) -> None:
        self.bytes = offset
        self.began = offset
        self.end = end
        self.digest = hashlib.sha256() if end is None else None

    @property
    def range(self) -> str:
        """The header that requests the rest; empty if it is the whole file."""
        if self.end is not None:
            return f"bytes={self.bytes}-{self.end - 1}"
        return f"bytes={self.bytes}-" if self.bytes else ""

    def is_before(self, end: int | None) -> bool:
        """Return whether there may be more bytes before an offset."""
        return end is None or self.bytes < end

    def count(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the same pieces up to the end, and update count and digest."""
        for piece in pieces:
            wanted = piece if self.end is None else piece[: self.end - self.bytes]
            self.bytes += len(wanted)
            if self.digest is not None:
                self.digest.update(wanted)
            yield wanted
            if self.bytes == self.end:
                return


def _end_early(pieces: Iterator[bytes], headers: httpx.Headers) -> Iterator[bytes]:
    """Yield the same pieces, but read the end of the answer before the last one.

    A reader that knows the size stops there, and only an answer read to its end leaves its connection open.
    """
    left = _size(headers)
    for piece in pieces:
        if left is not None:
            left -= len(piece)
            if not left:
                next(pieces, None)
        yield piece


def _skip(pieces: Iterator[bytes], received: _Progress) -> Iterator[bytes]:
    """Skip the bytes received before, and verify that they are the same."""
    passed, left, digest = hashlib.sha256(), received.bytes, received.digest
    for piece in pieces:
        beginning, rest = piece[:left], piece[left:]
        if beginning:
            passed.update(beginning[max(0, received.began - (received.bytes - left)) :])
            left -= len(beginning)
            if not left and digest is not None and passed.digest() != digest.digest():
                raise TransientError("the file changed at its source while it was read")
        if rest:
            yield rest
    if left:
        raise TransientError("the file became shorter at its source while it was read")


def _strong(headers: httpx.Headers) -> str | None:
    etag: str = headers.get("etag", "")
    return etag if etag.startswith('"') else None


def _size(headers: httpx.Headers) -> int | None:
    length = headers.get("content-length", "")
    return int(length) if length.isdigit() and "content-encoding" not in headers else None


def _whole_size(response: httpx.Response) -> int | None:
    """Return the size of the file, by an answer to a range."""
    if response.status_code in _WHOLE:
        return _size(response.headers)
    match = _SIZE_IN_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    return int(match["size"]) if match and response.status_code in _RANGED else None


def _filename(headers: httpx.Headers) -> str:
    match = _FILENAME.search(headers.get("content-disposition", ""))
    return posixpath.basename((match[2] or match[1]).strip().replace("\\", "/")) if match else ""
