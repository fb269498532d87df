"""Download of one small document from a verified address: no redirect, no repetition, no credentials."""

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
    """Download the body at an address, without decoding it.

    Args:
        most_bytes: the limit of its size; a longer body is an error and is not read to its end.
        seconds: the limit of the whole download.

    Raises:
        TransientError: there was no answer in time, or a later attempt may succeed.
        ConnectorError: another status than 200, or too long a body.
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
