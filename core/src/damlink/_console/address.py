"""The address that the console listens on: loopback, or one that users reach by TLS."""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import urlsplit

from damlink._config.address import is_loopback
from damlink._config.tables import ConsoleConfig
from damlink._serve.http_server import url_of
from damlink.errors import ConfigError

__all__ = ["find_hosts", "loopback_names", "parse_address", "parse_any_address", "verify_exposure"]

_HINT: Final = "give 127.0.0.1:PORT; to reach it from elsewhere, use a tunnel such as `ssh -L`"


def parse_any_address(text: str, place: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, on loopback or not.

    Raises:
        ConfigError: it is no address.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ConfigError(place, f"{text!r} is no address", hint=_HINT)
    return "127.0.0.1" if host == "localhost" else host, int(port)


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`.

    Raises:
        ConfigError: it is no address, or it is not on loopback.
    """
    host, port = parse_any_address(text, "--listen")
    if not is_loopback(host):
        what = f"the console has no users and no TLS, so it does not listen on {host or 'every address'}"
        raise ConfigError("--listen", what, hint=_HINT)
    return host, port


def verify_exposure(console: ConsoleConfig, place: str, *, has_users: bool) -> bool:
    """Return whether the console can be reached from elsewhere.

    Raises:
        ConfigError: it can, and something is missing that it needs for that.
    """
    host, _ = parse_any_address(console.listen, f"{place}.listen")
    has_tls = bool(console.tls_certificate and console.tls_private_key)
    if is_loopback(host) and not console.public_url and not has_tls:
        return False
    needs = (
        (console.public_url, 'set public_url = "https://…", the address in the browser'),
        (has_tls or console.behind_proxy, "set tls_certificate and tls_private_key, or behind_proxy = true"),
        (
            has_users,
            "add an administrator: `damlink users add NAME --role administrator`, "
            "or administrators in [console.oidc]",
        ),
    )
    for has, cure in needs:
        if not has:
            what = f"the console would be reached from elsewhere, by {console.public_url or console.listen}"
            raise ConfigError(place, what, hint=cure)
    return True


def find_hosts(console: ConsoleConfig, bound: socket.socket) -> dict[str, str]:
    """Return the values of `Host` that are answered, the main one first, with the scheme of each."""
    public = urlsplit(console.public_url)
    hosts = {public.netloc: public.scheme} if public.netloc else {}
    is_local = is_loopback(bound.getsockname()[0]) and not console.tls_certificate
    return hosts | (dict.fromkeys(loopback_names(bound), "http") if is_local else {})


def loopback_names(bound: socket.socket) -> tuple[str, ...]:
    """Return the values of `Host` that name this socket, the main one first."""
    own = url_of(bound).removeprefix("http://")
    return own, f"localhost:{own.rpartition(':')[2]}"
