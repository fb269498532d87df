"""How requests to iStock are signed: an API key, and a token of the user.

Source: developers.gettyimages.com, "Authorization" (grants, 30 minutes of life).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import httpx

from damlink import OAuth2
from damlink_istock.settings import IStockSettings

__all__ = ["signer"]


OVER_LIMIT: Final = (b"over queries per second", b"over rate limit")


class IStockAuth(OAuth2):
    """Signs like OAuth 2.0, and reads a 403 that means "too often" as the 429 it stands for.

    Source: both are seen in integrations; the published text has 429 only.
    """

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign, and look at each answer on its way."""
        signing = super().auth_flow(request)
        outgoing = next(signing)
        while True:
            response = yield outgoing
            _throttled(response)
            try:
                outgoing = signing.send(response)
            except StopIteration:
                return


def _throttled(response: httpx.Response) -> None:
    if response.status_code == httpx.codes.FORBIDDEN:
        said = response.read().lower()
        if any(words in said for words in OVER_LIMIT):
            response.status_code = httpx.codes.TOO_MANY_REQUESTS


def signer(settings: IStockSettings) -> OAuth2:
    """The grant follows from what is set: a refresh token, a user with a password, or the key alone,
    with what `damlink login` has brought.
    """
    return IStockAuth(
        settings.token_url,
        settings.api_key.reveal(),
        settings.api_secret,
        username=settings.username or None,
        password=settings.password,
        refresh_token=settings.refresh_token,
        headers={"Api-Key": settings.api_key},
        authorize_url=settings.authorize_url,
    )
