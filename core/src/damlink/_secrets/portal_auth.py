"""Authentication of a portal, as its table in the config declares it."""

from __future__ import annotations

from typing import Final

import httpx

from damlink._config.tables import PortalConfig
from damlink._http.bearer import BearerAuth
from damlink._http.oauth2 import OAuth2
from damlink._secret import Secret

__all__ = ["portal_auth"]

OAUTH_PATH: Final = "/v6/authentication/oauth2"
# Everything that Damlink's resources use, and a refresh token (`offline`).
DEFAULT_SCOPES: Final = (
    "asset:read asset:write collection:read collection:write current.user:read current.profile:read "
    "workflow.campaign:read workflow.campaign:write workflow.job:read workflow.job:write "
    "brandstore.order:read brandstore.order:write meta.assetbank:read meta.assetbank:write "
    "admin.profile:read admin.user:read admin.user:write workflow.preset:read offline"
)


def portal_auth(settings: PortalConfig) -> httpx.Auth:
    """Create the auth of a portal; its tokens are not in the database's custody yet."""
    if settings.auth == "permanent-token":
        return BearerAuth(settings.token or Secret(""))
    if settings.auth == "oauth1":
        # Imported here, because it brings Authlib, and few portals use it.
        from damlink._http.oauth1 import OAuth1

        empty = Secret("")
        return OAuth1(
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
