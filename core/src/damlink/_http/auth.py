"""Signing as a plugin declares it: the base class of every scheme, and secrets in headers."""

from __future__ import annotations

from collections.abc import Generator, Mapping

import httpx
from httpx import Auth, Response

from damlink._secret import Secret

__all__ = ["Auth", "HeaderAuth", "Response"]


class HeaderAuth(Auth):
    """Secrets that are sent in headers, such as an API key.

    Args:
        headers: each header's value, by the header's name.
    """

    def __init__(self, headers: Mapping[str, Secret]) -> None:
        self._headers = dict(headers)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the headers."""
        for name, value in self._headers.items():
            request.headers[name] = value.reveal()
        yield request
