"""Addresses by their origin, and requests signed for one origin alone."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Iterator, Set
from typing import Final

import httpx

from damlink._config.address import is_safe
from damlink.errors import AuthError

__all__ = ["OriginAuth", "origin_of", "parse_url"]

# RFC 9110, section 5.5: visible ASCII, with blanks in between only.
_FIELD_VALUE: Final = re.compile(rb"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")


def parse_url(address: str) -> httpx.URL:
    """Read an address into its parts: `scheme`, `host`, `port`, `netloc`, `path`, `params`, `userinfo`.

    Raises:
        ValueError: it is no address.
    """
    try:
        return httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ValueError(f"{address!r:.100} is no address: {error}") from error


def origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port. Credentials may only go where all three are the same."""
    return url.scheme, url.host, url.port


class OriginAuth(httpx.Auth):
    """Auth that applies another auth to requests to one origin, and leaves all others unsigned."""

    def __init__(self, inner: httpx.Auth, origin: httpx.URL) -> None:
        self._inner = inner
        self._origin = origin_of(origin)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign a request to our origin.

        Raises:
            AuthError: the credentials would be sent in plain text, or are not valid in a header.
        """
        if origin_of(request.url) != self._origin:
            yield request
            return
        unsigned = frozenset(request.headers.raw)
        with contextlib.closing(self._inner.sync_auth_flow(request)) as flow, _encodable():
            signed = next(flow, None)
            while signed is not None:
                _check_sendable(signed, unsigned)
                signed = _following(flow, (yield signed))


def _following(
    flow: Generator[httpx.Request, httpx.Response, None], response: httpx.Response
) -> httpx.Request | None:
    try:
        return flow.send(response)
    except StopIteration:
        return None


@contextlib.contextmanager
def _encodable() -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise _unsendable("a header") from error


def _check_sendable(request: httpx.Request, unsigned: Set[tuple[bytes, bytes]]) -> None:
    """Refuse a signed request that exposes its credentials or has an invalid header."""
    url = request.url
    if not is_safe(url.scheme, url.host):
        hint = "write https:// in the config; plain http is for loopback only"
        raise AuthError(f"no credentials are sent to {url.host} in plain text", hint=hint)
    for name, value in request.headers.raw:
        if (name, value) not in unsigned and not _FIELD_VALUE.fullmatch(value):
            raise _unsendable(name.decode("ascii"))


def _unsendable(header: str) -> AuthError:
    hint = "check it for blanks at its ends and for characters beyond ASCII, then store it again"
    return AuthError(f"the secret for {header} holds a character that no header may carry", hint=hint)
