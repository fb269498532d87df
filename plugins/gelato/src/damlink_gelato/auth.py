"""Sign requests to Gelato, by a key in a header."""

from __future__ import annotations

from damlink import HeaderAuth
from damlink_gelato.settings import GelatoSettings

__all__ = ["create_auth", "key_header"]


def create_auth(settings: GelatoSettings) -> HeaderAuth:
    """Return the scheme that sends the account's key in the header of the settings."""
    return HeaderAuth({settings.auth_header: settings.api_key})


def key_header(settings: GelatoSettings) -> dict[str, str]:
    """Return the header that signs one request, also to another host than the import's."""
    return {settings.auth_header: settings.api_key.reveal()}
