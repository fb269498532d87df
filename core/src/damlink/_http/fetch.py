"""One small document from an address that the caller has checked: no redirect, no repeat, no credentials."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx

from damlink._http.network import NetworkTransport
from damlink._http.transports import LogTransport
from damlink._version import __version__
from damlink.errors import ConnectorError, TransientError

__all__ = ["fetch"]


def fetch(url: str, *, most_bytes: int, seconds: float) -> bytes:
    """The body behind an address, sent as it is.

    Args:
        most_bytes: a longer one is an error, and not read to its end.
        seconds: for all of it.

    Raises:
        TransientError: nobody answered in time, or the answer may be another one later.
        ConnectorError: any other answer than 200, or too long a one.
    """
    headers = {"User-Agent": f"damlink/{__version__}", "Accept-Encoding": "identity"}
    transport = LogTransport(NetworkTransport(), httpx.URL(""))
    deadline = time.monotonic() + seconds
    try:
        with (
            httpx.Client(transport=transport, timeout=seconds, headers=headers) as client,
            client.stream("GET", url) as response,
        ):
            _check(response)
            return b"".join(_read_capped(response, most_bytes, deadline))
    except httpx.HTTPError as error:
        raise TransientError(
            f"cannot fetch {httpx.URL(url).host}: {str(error) or type(error).__name__}"
        ) from error


def _check(response: httpx.Response) -> None:
    status = response.status_code
    said = f"{response.request.url.host} answered {status}"
    if status in (408, 429) or status >= 500:
        raise TransientError(said, status=status)
    if status != httpx.codes.OK:
        raise ConnectorError(said, status=status)


def _read_capped(response: httpx.Response, most_bytes: int, deadline: float) -> Iterator[bytes]:
    count = 0
    for piece in response.iter_raw():
        count += len(piece)
        if count > most_bytes:
            raise ConnectorError(f"{response.request.url.host} sends more than {most_bytes} bytes")
        if time.monotonic() > deadline:
            raise TransientError(f"{response.request.url.host} is too slow")
        yield piece
