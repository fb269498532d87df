"""Rights of each role. A form that is not listed here is an administrator's."""

from __future__ import annotations

from typing import Final

import attrs

from damlink._state.access import OWNER
from damlink._state.users import Role

__all__ = [
    "CONSENT_BEGIN",
    "CONSENT_GO",
    "CONSENT_RESULT",
    "CONSENT_RETURN",
    "LASTING_PATHS",
    "LIVE_PATH",
    "OIDC_BEGIN",
    "OIDC_RETURN",
    "OPEN_PATHS",
    "PREVIEW_PATH",
    "SAFE_METHODS",
    "Visitor",
    "least_role",
]

SAFE_METHODS: Final = ("GET", "HEAD")
# What never changes at its address, and may be kept by a browser.
LASTING_PATHS: Final = ("/htmx-2.0.11.min.js", "/htmx-ext-sse-2.2.4.min.js")
# To the issuer of `[console.oidc]`, and back; the second is registered there.
OIDC_BEGIN: Final = "/oidc/begin"
OIDC_RETURN: Final = "/oidc/callback"
# To the consent page of a portal or a partner, and back; the return is registered there.
CONSENT_BEGIN: Final = "/sign-in"
CONSENT_GO: Final = "/sign-in/go"
CONSENT_RESULT: Final = "/sign-in/result"
CONSENT_RETURN: Final = "/sign-in/callback"
# What needs no session: the ways to get one, and what every page is made with.
OPEN_PATHS: Final = (
    "/enter",
    "/login",
    OIDC_BEGIN,
    OIDC_RETURN,
    CONSENT_RETURN,
    CONSENT_RESULT,
    "/console.css",
    *LASTING_PATHS,
)
OPERATORS: Final = ("/retry", "/settle", "/bulk", "/replay", "/run", "/stop", "/make-plan", "/approve")
LIVE_PATH: Final = "/live"
PREVIEW_PATH: Final = "/preview"
EVERYONES: Final = ("/leave", "/password")
ADMINISTRATORS_PAGES: Final = (
    *("/add", CONSENT_GO, "/diagnostics", "/diagnostics.zip", "/draft", "/edit", "/setup", "/user", "/users"),
)


def least_role(method: str, path: str) -> Role:
    """Return the least role that may send such a request."""
    if path in EVERYONES:
        return Role.VIEWER
    if path in OPERATORS:
        return Role.OPERATOR
    shows = method in SAFE_METHODS and path not in ADMINISTRATORS_PAGES
    return Role.VIEWER if shows else Role.ADMINISTRATOR


@attrs.frozen
class Visitor:
    """The sender of a request.

    Attributes:
        user: the name; empty for the person who has started the console on this machine.
        session: the hash of the session or token.
    """

    user: str
    role: Role
    session: str = ""

    @property
    def name(self) -> str:
        """The name as it is shown."""
        return self.user if self.user != OWNER else "you, at this machine"

    def may(self, path: str, method: str = "POST") -> bool:
        """Return whether the visitor may send such a request."""
        return self.role.includes(least_role(method, path))
