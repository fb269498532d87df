"""The address that a portal sends its events to: unguessable, made once, kept encrypted."""

from __future__ import annotations

import secrets
from typing import Final

from damlink._config.address import is_loopback
from damlink._run.session import Assembly
from damlink.errors import ConfigError

__all__ = ["event_path", "event_token", "event_url"]

TOKEN_BYTES: Final = 32


def event_token(assembly: Assembly, portal: str) -> str:
    """The secret part of a portal's event address; made when it is first asked for."""
    name = f"events.{portal}"
    kept = assembly.secrets.get(name)
    if kept is not None:
        return kept
    with assembly.credentials.exclusive(f"make:{name}"):
        kept = assembly.secrets.get(name)  # another process may have been faster
        if kept is None:
            kept = secrets.token_urlsafe(TOKEN_BYTES)
            assembly.secrets.set(name, kept)
    return kept


def event_path(portal: str, token: str) -> str:
    """The path of a portal's event address."""
    return f"/events/{portal}/{token}"


def event_url(assembly: Assembly, portal: str) -> str:
    """A portal's whole event address.

    Raises:
        ConfigError: nobody has said how the world reaches us.
    """
    public = assembly.config.serve.public_url or _loopback_url(assembly, portal)
    if not public:
        hint = 'set [serve] public_url = "https://…", where the world reaches `damlink serve`'
        raise ConfigError(f"{assembly.config.path}: serve.public_url", "missing", hint=hint)
    return public.rstrip("/") + event_path(portal, event_token(assembly, portal))


def _loopback_url(assembly: Assembly, portal: str) -> str:
    """Return where `damlink serve` listens, for a portal on this machine; empty for any other."""
    serve = assembly.config.serve
    on_loopback = assembly.config.portal(portal).unopened.url.startswith("http://")
    return f"http://{serve.host}:{serve.port}" if on_loopback and is_loopback(serve.host) else ""
