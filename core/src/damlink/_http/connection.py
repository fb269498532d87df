"""Connection of a client to the other side: time-outs, proxy, certificates, or a transport of the caller."""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
import httpx

from damlink.errors import ArgumentError

__all__ = ["TIMEOUT", "Cert", "Connection", "Trust"]

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0, pool=300.0)  # seconds

_Path = str | os.PathLike[str]
Cert = _Path | tuple[_Path, _Path] | tuple[_Path, _Path, str]
"""File with certificate and key, or the files of both, and then the key's password."""

Trust = bool | _Path | ssl.SSLContext
"""`False`: no certificate is verified; a file or folder of authorities; or a whole context."""


@attrs.frozen(kw_only=True)
class Connection:
    """Connection of a client to the other side.

    Args:
        timeout: seconds, the same for connecting, writing and reading, or all of them; `None`: no limit.
        proxy: address of a proxy for every request; empty: none. If not given, that of the environment.
        transport: sends the requests in place of our own, below the pace and the log.
        verify: `False`: no certificate is verified; a file or folder of authorities; or a context.
        cert: of the client: see `Cert`.
        local_address: of this machine, which direct requests leave from; `None`: the system chooses.

    Raises:
        ArgumentError: the arguments exclude each other, a file of certificates cannot be read, or this
            machine does not have the address.
    """

    timeout: float | httpx.Timeout | None = TIMEOUT
    proxy: str | httpx.Proxy | None = None
    transport: httpx.BaseTransport | None = None
    verify: Trust = True
    cert: Cert | None = None
    local_address: str | None = None
    find_tls: Callable[[], ssl.SSLContext] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        given = (self.proxy, None if self.verify is True else self.verify, self.cert, self.local_address)
        if self.transport is not None and any(each is not None for each in given):
            hint = "give them to the transport"
            what = "a transport excludes `proxy`, `verify`, `cert` and `local_address`"
            raise ArgumentError(what, hint=hint)
        if self.local_address is not None:
            _verify_local(self.local_address)
        context = None if self.verify is True and self.cert is None else _context(self.verify, self.cert)
        object.__setattr__(self, "find_tls", _default_context if context is None else lambda: context)

    @property
    def timeouts(self) -> httpx.Timeout:
        """All four time-outs."""
        return httpx.Timeout(self.timeout)


def _default_context() -> ssl.SSLContext:
    """Return the TLS context of the authorities that the environment names now."""
    return _create_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.cache
def _create_context(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Create the TLS context once: reading the certificate authorities is slow and takes megabytes."""
    return httpx.create_ssl_context()


def _context(verify: Trust, cert: Cert | None) -> ssl.SSLContext:
    try:
        context = _trusting(verify)
        if cert is not None:
            files = cert if isinstance(cert, tuple) else (cert,)
            context.load_cert_chain(*files)
    except (OSError, ssl.SSLError) as error:
        hint = "give files in PEM format that this user may read"
        raise ArgumentError(f"cannot read the certificates: {error.strerror or error}", hint=hint) from error
    return context


def _verify_local(address: str) -> None:
    """Raise ArgumentError if requests cannot leave from an address."""
    try:
        version = ipaddress.ip_address(address).version
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((address, 0))
    except (ValueError, OSError) as error:
        hint = "name one that `ip address` shows"
        raise ArgumentError(f"{address} is not an address of this machine", hint=hint) from error


def _trusting(verify: Trust) -> ssl.SSLContext:
    if isinstance(verify, ssl.SSLContext):
        return verify
    if isinstance(verify, bool):
        return httpx.create_ssl_context(verify=verify)
    is_folder = Path(verify).is_dir()
    return ssl.create_default_context(
        cafile=None if is_folder else verify, capath=verify if is_folder else None
    )
