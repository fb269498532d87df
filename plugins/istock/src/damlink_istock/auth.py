"""How requests to iStock are signed: an API key, and a token of the user.

Source: developers.gettyimages.com, "Authorization" (grants, 30 minutes of life).
"""

from __future__ import annotations

from typing import Final

from damlink import OAuth2
from damlink_istock.settings import IStockSettings

__all__ = ["signer"]


# Seen in integrations; the published text has 429 only.
OVER_LIMIT: Final = ("over queries per second", "over rate limit")


def signer(settings: IStockSettings) -> OAuth2:
    """The grant follows from what is set: a refresh token, a user with a password, or the key alone,
    with what `damlink login` has brought.
    """
    return OAuth2(
        settings.token_url,
        settings.api_key.reveal(),
        settings.api_secret,
        username=settings.username or None,
        password=settings.password,
        refresh_token=settings.refresh_token,
        headers={"Api-Key": settings.api_key},
        authorize_url=settings.authorize_url,
        throttled_words=OVER_LIMIT,
    )
