"""The address that the console listens on: loopback alone, because there are no users and no TLS."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

from damlink.errors import ConfigError

__all__ = ["BACKLOG", "listen", "loopback_names", "parse_address"]

BACKLOG: Final = 64
_HINT: Final = "give 127.0.0.1:PORT; to reach it from elsewhere, use a tunnel such as `ssh -L`"


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`.

    Raises:
        ConfigError: it is no address, or it is not on loopback.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ConfigError("--listen", f"{text!r} is no address", hint=_HINT)
    host = "127.0.0.1" if host == "localhost" else host
    if not _is_loopback(host):
        what = f"the console has no users and no TLS, so it does not listen on {host or 'every address'}"
        raise ConfigError("--listen", what, hint=_HINT)
    return host, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address.

    Raises:
        ConfigError: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        hint = "choose another port with --listen, or end what listens there"
        raise ConfigError(
            "--listen", f"cannot listen on {host}, port {port}: {error.strerror}", hint=hint
        ) from error


def loopback_names(bound: socket.socket) -> tuple[str, ...]:
    """Return the values of `Host` that name this socket, the main one first."""
    host, port = bound.getsockname()[:2]
    own = f"[{host}]" if ":" in host else host
    return f"{own}:{port}", f"localhost:{port}"
