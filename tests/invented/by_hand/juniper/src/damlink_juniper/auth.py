"""Sign requests to Juniper."""

from __future__ import annotations

from damlink import HeaderAuth
from damlink_juniper.settings import JuniperSettings

__all__ = ["create_auth"]


def create_auth(settings: JuniperSettings) -> HeaderAuth:
    """Return the scheme that sends the key of the settings in its header."""
    return HeaderAuth({"Juniper-Key": settings.api_key})
