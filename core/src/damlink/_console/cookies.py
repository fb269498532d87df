"""Cookies of the console: their names and attributes."""

from __future__ import annotations

from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

__all__ = [
    "CONSENT_COOKIE",
    "COOKIE",
    "OIDC_COOKIE",
    "cookie_of",
    "delete_cookie",
    "read_cookie",
    "set_cookie",
]

COOKIE: Final = "damlink_console"  # of a session
OIDC_COOKIE: Final = "damlink_oidc"  # of an attempt to sign in at an issuer
CONSENT_COOKIE: Final = "damlink_consent"  # of an attempt to sign in at a portal or a partner
# The page of the other side leads back here: `strict` would leave the cookie of the attempt out.
_SAME_SITE: Final[dict[str, Literal["strict", "lax"]]] = {
    COOKIE: "strict",
    OIDC_COOKIE: "lax",
    CONSENT_COOKIE: "lax",
}


def cookie_of(scope: Scope, cookie: str = COOKIE) -> str:
    """Return the name of a cookie: over TLS one that no other host or path can set."""
    return f"__Host-{cookie}" if _is_secure(scope) else cookie


def read_cookie(request: Request, cookie: str = COOKIE) -> str:
    """Return the value of a cookie, or nothing."""
    return request.cookies.get(cookie_of(request.scope, cookie), "")


def set_cookie(
    request: Request, answer: Response, value: str, cookie: str = COOKIE, seconds: int | None = None
) -> None:
    """Give a browser a cookie.

    Args:
        seconds: how long the browser keeps it; by default until it is closed.
    """
    answer.set_cookie(
        cookie_of(request.scope, cookie),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite=_SAME_SITE[cookie],
        secure=_is_secure(request.scope),
    )


def delete_cookie(request: Request, answer: Response, cookie: str = COOKIE) -> None:
    """Take a cookie from a browser."""
    answer.delete_cookie(
        cookie_of(request.scope, cookie),
        path="/",
        httponly=True,
        samesite=_SAME_SITE[cookie],
        secure=_is_secure(request.scope),
    )


def _is_secure(scope: Scope) -> bool:
    return bool(scope["state"]["scheme"] == "https")
