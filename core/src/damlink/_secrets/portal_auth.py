"""Authentication of a portal, as its table in the config declares it."""

from __future__ import annotations

import httpx

from damlink._config.tables import PortalConfig
from damlink._http.bearer import BearerAuth
from damlink._http.oauth2 import OAuth2
from damlink._secret import Secret
from damlink.bynder._sign_in import DEFAULT_SCOPES, OAUTH_PATH, sign_by_oauth1

__all__ = ["portal_auth"]


def portal_auth(settings: PortalConfig) -> httpx.Auth:
    """Create the auth of a portal; its tokens are not in the database's custody yet."""
    if settings.auth == "permanent-token":
        return BearerAuth(settings.token or Secret(""))
    if settings.auth == "oauth1":
        empty = Secret("")
        return sign_by_oauth1(
            settings.consumer_key,
            settings.consumer_secret or empty,
            settings.token or empty,
            settings.token_secret or empty,
        )
    base = f"{settings.url.rstrip('/')}{OAUTH_PATH}"
    return OAuth2(
        settings.token_url or f"{base}/token",
        settings.client_id,
        settings.client_secret or Secret(""),
        scopes=settings.scopes or tuple(DEFAULT_SCOPES.split()),
        authorize_url=settings.authorize_url or f"{base}/auth",
        redirect_url=settings.redirect_url,
        login_only=settings.auth == "oauth2-code",
    )
