"""How requests to Gelato are signed: a key in a header."""

from __future__ import annotations

from collections.abc import Generator

import httpx

from damlink_gelato.settings import GelatoSettings

__all__ = ["KeyAuth", "signature"]


class KeyAuth(httpx.Auth):
    """Puts the account's key into the header that Gelato wants it in."""

    def __init__(self, settings: GelatoSettings) -> None:
        self._settings = settings

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign one request."""
        request.headers.update(signature(self._settings))
        yield request


def signature(settings: GelatoSettings) -> dict[str, str]:
    """The header that signs a request."""
    return {settings.auth_header: settings.api_key.reveal()}
