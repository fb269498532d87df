"""Sign requests to iStock, by the API key and a token of the user, and say what a refusal means.

Source: developers.gettyimages.com, "Authorization" (grants, 30 minutes of life).
"""

from __future__ import annotations

from typing import Final

from damlink import AuthError, OAuth2, Response, TransientError
from damlink.errors import ConnectorError
from damlink_istock.settings import IStockSettings

__all__ = ["UserTokenError", "classify", "create_auth"]


UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
TOO_MANY_REQUESTS: Final = 429
# Observed in integrations; iStock documents only 429 for this.
OVER_LIMIT: Final = ("over queries per second", "over rate limit")


class UserTokenError(AuthError):
    """The call needs a user, and the API key alone has none."""


def classify(response: Response) -> ConnectorError | None:
    """Return the error of a refusal that iStock's words explain better than its status."""
    said = response.text.strip().lower()
    # A gateway's page may hold any words: only iStock's own text counts.
    is_throttled = not said.startswith("<") and any(words in said for words in OVER_LIMIT)
    if response.status_code == FORBIDDEN and is_throttled:
        return TransientError("iStock's rate limit is reached", status=TOO_MANY_REQUESTS)
    if response.status_code in (UNAUTHORIZED, FORBIDDEN) and "usertokenrequired" in said:
        hint = "set username and password, or refresh_token"
        return UserTokenError("iStock wants a user's token, and the API key has no user", hint=hint)
    return None


def create_auth(settings: IStockSettings) -> OAuth2:
    """Return the grant that the settings allow: a refresh token, a user with a password, or the API key
    with the token of `damlink login`.
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
    )
