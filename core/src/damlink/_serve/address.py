"""Event address of a portal: unguessable, created once, stored encrypted."""

from __future__ import annotations

import secrets
from typing import Final

from damlink._config.address import is_loopback
from damlink._run.session import Session
from damlink.errors import ConfigError

__all__ = ["event_path", "event_token", "event_url"]

TOKEN_BYTES: Final = 32


def event_token(session: Session, portal: str) -> str:
    """Return the secret part of a portal's event address; create it on the first call."""
    name = f"events.{portal}"
    token = session.secrets.get(name)
    if token is not None:
        return token
    with session.credentials.exclusive(f"make:{name}"):
        # Read again under the lock: another process may have created it in the meantime.
        token = session.secrets.get(name)
        if token is None:
            token = secrets.token_urlsafe(TOKEN_BYTES)
            session.secrets.set(name, token)
    return token


def event_path(portal: str, token: str) -> str:
    """Return the path of a portal's event address."""
    return f"/events/{portal}/{token}"


def event_url(session: Session, portal: str) -> str:
    """Return the complete event address of a portal.

    Raises:
        ConfigError: `[serve] public_url` is not set.
    """
    public = session.config.serve.public_url or _loopback_url(session, portal)
    if not public:
        hint = 'set [serve] public_url = "https://…", the public address of `damlink serve`'
        raise ConfigError(f"{session.config.path}: serve.public_url", "missing", hint=hint)
    return public.rstrip("/") + event_path(portal, event_token(session, portal))


def _loopback_url(session: Session, portal: str) -> str:
    """Return the loopback address of `damlink serve` for a portal on this machine, else an empty string."""
    serve = session.config.serve
    on_loopback = session.config.portal(portal).unopened.url.startswith("http://")
    return f"http://{serve.host}:{serve.port}" if on_loopback and is_loopback(serve.host) else ""
