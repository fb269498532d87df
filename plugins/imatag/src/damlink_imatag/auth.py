"""Sign requests to Imatag: by an API key, or the short-lived token of an OAuth application.

Source: imatag.com/api/doc, "Authentication": `Authorization: Token KEY`; client credentials, with id and
secret as Basic credentials. The path of the token endpoint is assumed.
"""

from __future__ import annotations

from damlink import Auth, HeaderAuth, OAuth2, Secret
from damlink_imatag.settings import ImatagSettings

__all__ = ["create_auth"]


def create_auth(settings: ImatagSettings) -> Auth:
    """Return the scheme that the settings allow: the key, or the OAuth application."""
    if settings.api_key:
        return HeaderAuth({"Authorization": Secret(f"Token {settings.api_key.reveal()}")})
    secret = settings.client_secret or Secret("")
    return OAuth2(settings.token_address, settings.client_id, secret, basic=True)
