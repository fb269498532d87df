"""Sign-in to a portal: by a permanent token, as an application, or by OAuth 1.0a."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httpx

from damlink._http.oauth2 import OAuth2
from damlink._secret import Secret

__all__ = ["DEFAULT_SCOPES", "OAUTH_PATH", "sign_as_application", "sign_by_oauth1"]

OAUTH_PATH: Final = "/v6/authentication/oauth2"
# What connectors use, and a refresh token (`offline`).
DEFAULT_SCOPES: Final = (
    "asset:read asset:write collection:read collection:write current.user:read current.profile:read "
    "workflow.campaign:read workflow.campaign:write workflow.job:read workflow.job:write "
    "brandstore.order:read brandstore.order:write meta.assetbank:read meta.assetbank:write "
    "admin.profile:read admin.user:read admin.user:write workflow.preset:read offline"
)


def sign_as_application(
    url: str, client_id: str, client_secret: Secret, scopes: Sequence[str] = ()
) -> httpx.Auth:
    """Return the auth of client credentials; all scopes that Damlink uses if none is given."""
    wanted = tuple(scopes) or tuple(DEFAULT_SCOPES.split())
    return OAuth2(f"{url.rstrip('/')}{OAUTH_PATH}/token", client_id, client_secret, scopes=wanted)


def sign_by_oauth1(
    consumer_key: str, consumer_secret: Secret, token: Secret, token_secret: Secret
) -> httpx.Auth:
    """Return the auth of OAuth 1.0a."""
    # Imported here, because it brings Authlib, and few portals use it.
    from damlink._http.oauth1 import OAuth1

    return OAuth1(consumer_key, consumer_secret, token, token_secret)
