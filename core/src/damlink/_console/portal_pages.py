"""The page of portals: how each is signed in to, for how long, and what its connectors met last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from damlink._config.tables import PortalConfig
from damlink._console.desk import Desk
from damlink._console.page import Page, Query, command_text
from damlink._http.oauth2 import OAuth2
from damlink._http.token import Token
from damlink._state.runs import Runs
from damlink.bynder._sign_in import DEFAULT_SCOPES
from damlink.errors import DamlinkError

__all__ = ["show_portals"]


def show_portals(desk: Desk, _query: Query) -> Page:
    """Show the portals, without anything that signs a request; no portal is asked."""
    portals = [
        _describe(desk, name, table.unopened) | {"connectors": list(_connectors_of(desk, name))}
        for name, table in desk.config.portals.items()
    ]
    return Page("portals.html", "Portals", command_text("portal", "check"), {"portals": portals})


def _describe(desk: Desk, name: str, settings: PortalConfig) -> dict[str, Any]:
    signs_by_oauth2 = settings.auth.startswith("oauth2")
    return {
        "name": name,
        "url": settings.url,
        "auth": settings.auth,
        "brand": settings.brand,
        "scopes": list(settings.scopes or (DEFAULT_SCOPES.split() if signs_by_oauth2 else ())),
        "sign_in": _describe_sign_in(desk, name, settings.auth) if signs_by_oauth2 else None,
        "redirect_url": desk.consent_redirect_url if settings.auth == "oauth2-code" else "",
    }


def _describe_sign_in(desk: Desk, name: str, kind: str) -> Mapping[str, Any]:
    """Return what is stored of a token: until when it is good, and whether a person has to sign in."""
    by_person = kind == "oauth2-code"
    login = command_text("login", name) if by_person else ""
    try:
        auth = desk.portal_auth(name)
        token = auth.custody.load() if isinstance(auth, OAuth2) else None
    except DamlinkError as error:
        return {"problem": str(error), "until": None, "renews": False, "needs_person": False, "login": login}
    return {
        "problem": "",
        "until": _moment_of(token),
        "renews": not by_person or bool(token and token.refresh),
        "needs_person": by_person and (token is None or not (token.refresh or token.fresh)),
        "login": login,
    }


def _moment_of(token: Token | None) -> datetime | None:
    return datetime.fromtimestamp(token.renew_at, UTC) if token else None


def _connectors_of(desk: Desk, portal: str) -> Iterator[Mapping[str, Any]]:
    """Yield the connectors of a portal with the error of the last run."""
    for name, connector in desk.config.connectors.items():
        if connector.portal == portal:
            latest = Runs(desk.database, name).latest(1)
            yield {"name": name, "error": latest[0].error if latest else ""}
