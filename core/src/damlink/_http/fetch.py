"""Exchange of one small document with a verified address: no redirect, no repetition."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from damlink._http.network import NetworkTransport
from damlink._http.transports import LogTransport
from damlink._version import __version__
from damlink.errors import ConnectorError, TransientError

__all__ = ["fetch", "post_form"]


def fetch(url: str, *, most_bytes: int, seconds: float) -> bytes:
    """Download the body at an address, without decoding it.

    Args:
        most_bytes: the limit of its size; a longer body is an error and is not read to its end.
        seconds: the limit of the whole download.

    Raises:
        TransientError: there was no answer in time, or a later attempt may succeed.
        ConnectorError: another status than 200, or too long a body.
    """
    deadline = time.monotonic() + seconds
    with _answered("GET", url, seconds) as response:
        _check(response)
        return b"".join(_read_capped(response, most_bytes, deadline))


def post_form(
    url: str, form: Mapping[str, str], *, headers: Mapping[str, str], most_bytes: int, seconds: float
) -> tuple[int, bytes]:
    """Send a form once, and return status and body of the answer.

    Args:
        headers: what proves who sends it.
        most_bytes: the limit of the answer's size; a longer body is an error and is not read to its end.
        seconds: the limit of the answer.

    Raises:
        TransientError: there was no answer in time, or one that says to try again.
        ConnectorError: too long a body.
    """
    deadline = time.monotonic() + seconds
    with _answered("POST", url, seconds, data=dict(form), headers=dict(headers)) as response:
        if response.status_code in (408, 429) or response.status_code >= 500:
            _check(response)
        return response.status_code, b"".join(_read_capped(response, most_bytes, deadline))


@contextlib.contextmanager
def _answered(method: str, url: str, seconds: float, **options: Any) -> Iterator[httpx.Response]:
    """Send a request, and give the answer before its body is read."""
    own = {"User-Agent": f"damlink/{__version__}", "Accept-Encoding": "identity"}
    transport = LogTransport(NetworkTransport(), httpx.URL(""))
    try:
        with (
            httpx.Client(transport=transport, timeout=seconds, headers=own) as client,
            client.stream(method, url, **options) as response,
        ):
            yield response
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
