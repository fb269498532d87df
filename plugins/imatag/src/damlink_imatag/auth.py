"""How requests to Imatag are signed: an API key, or the short-lived token of an OAuth application.

Source: imatag.com/api/doc, "Authentication": `Authorization: Token KEY`; client credentials, with id and
secret as Basic credentials. The path of the token endpoint is assumed.
"""

from __future__ import annotations

from collections.abc import Generator

import httpx

from damlink import OAuth2, Secret
from damlink_imatag.settings import ImatagSettings

__all__ = ["signer"]


class KeyAuth(httpx.Auth):
    """An API key, which never changes."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the key."""
        request.headers["Authorization"] = f"Token {self._key.reveal()}"
        yield request


def signer(settings: ImatagSettings) -> httpx.Auth:
    """What follows from what is set: the key, or the OAuth application."""
    if settings.api_key:
        return KeyAuth(settings.api_key)
    secret = settings.client_secret or Secret("")
    return OAuth2(settings.token_address, settings.client_id, secret, basic=True)
