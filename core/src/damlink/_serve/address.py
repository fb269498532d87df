"""The address that a portal sends its events to: unguessable, made once, kept encrypted."""

from __future__ import annotations

import secrets
from typing import Final

from damlink._config.address import is_loopback
from damlink._run.session import Session
from damlink.errors import ConfigError

__all__ = ["event_path", "event_token", "event_url"]

TOKEN_BYTES: Final = 32


def event_token(session: Session, portal: str) -> str:
    """The secret part of a portal's event address; made when it is first asked for."""
    name = f"events.{portal}"
    kept = session.secrets.get(name)
    if kept is not None:
        return kept
    with session.credentials.exclusive(f"make:{name}"):
        kept = session.secrets.get(name)  # another process may have been faster
        if kept is None:
            kept = secrets.token_urlsafe(TOKEN_BYTES)
            session.secrets.set(name, kept)
    return kept


def event_path(portal: str, token: str) -> str:
    """The path of a portal's event address."""
    return f"/events/{portal}/{token}"


def event_url(session: Session, portal: str) -> str:
    """A portal's whole event address.

    Raises:
        ConfigError: nobody has said how the world reaches us.
    """
    public = session.config.serve.public_url or _loopback_url(session, portal)
    if not public:
        hint = 'set [serve] public_url = "https://…", where the world reaches `damlink serve`'
        raise ConfigError(f"{session.config.path}: serve.public_url", "missing", hint=hint)
    return public.rstrip("/") + event_path(portal, event_token(session, portal))


def _loopback_url(session: Session, portal: str) -> str:
    """Return where `damlink serve` listens, for a portal on this machine; empty for any other."""
    serve = session.config.serve
    on_loopback = session.config.portal(portal).unopened.url.startswith("http://")
    return f"http://{serve.host}:{serve.port}" if on_loopback and is_loopback(serve.host) else ""
