"""Addresses that credentials may be sent to: https anywhere, plain http on this machine alone."""

from __future__ import annotations

import functools
import ipaddress
import urllib.parse
from typing import Any

from damlink.errors import ConfigError

__all__ = ["address_problem", "check_address", "is_loopback", "is_safe"]


@functools.lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_safe(scheme: str, host: str) -> bool:
    """Return whether credentials may be sent there."""
    return scheme == "https" or (scheme == "http" and is_loopback(host))


def address_problem(address: str) -> str:
    """Return what is wrong with an address that requests are sent to, or nothing."""
    try:
        parts = urllib.parse.urlsplit(address)
        host = parts.hostname or ""
        # Raises ValueError if the port is not a number.
        _ = parts.port
    except ValueError:
        return f"must be an address that begins with https://, got {address!r}"
    if "@" in parts.netloc:
        return "must not hold a user name or password"
    if not host or not is_safe(parts.scheme, host):
        return f"must begin with https:// (http only on loopback), got {address!r}"
    return ""


def check_address(name: str, value: Any, place: str) -> Any:
    """Return the value of a setting; one whose name ends with `_url` is an address, whatever the plugin.

    Raises:
        ConfigError: it would send credentials in plain text, or is no address.
    """
    if name.endswith("_url") and isinstance(value, str) and value and (problem := address_problem(value)):
        raise ConfigError(place.removesuffix(f".{name}"), f"{name} {problem}")
    return value
