"""Sign requests to Tamarack."""

from __future__ import annotations

import attrs
from damlink import Response, TokenAuth, read_as

from damlink_tamarack.settings import TamarackSettings

__all__ = ["create_auth"]


@attrs.frozen
class Login:
    """Answer to a login: a token, and the seconds that it lasts."""

    session: str
    ttl: float


def create_auth(settings: TamarackSettings) -> TokenAuth:
    """Return the login of the settings; the core stores and renews its tokens."""
    return TokenAuth(
        settings.token_url,
        {"app": settings.client_id, "key": settings.client_secret},
        _read_login,
        header="X-Tamarack-Session",
        prefix="",
    )


def _read_login(answer: Response) -> tuple[str, float]:
    login = read_as(answer, Login)
    return login.session, login.ttl
