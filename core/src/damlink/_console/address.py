"""The address that the console listens on: loopback alone, because there are no users and no TLS."""

from __future__ import annotations

import socket
from typing import Final

from damlink._config.address import is_loopback
from damlink._serve.http_server import url_of
from damlink.errors import ConfigError

__all__ = ["loopback_names", "parse_address"]

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
    if not is_loopback(host):
        what = f"the console has no users and no TLS, so it does not listen on {host or 'every address'}"
        raise ConfigError("--listen", what, hint=_HINT)
    return host, int(port)


def loopback_names(bound: socket.socket) -> tuple[str, ...]:
    """Return the values of `Host` that name this socket, the main one first."""
    own = url_of(bound).removeprefix("http://")
    return own, f"localhost:{own.rpartition(':')[2]}"
