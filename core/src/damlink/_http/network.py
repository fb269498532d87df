"""The way out: directly or through the proxy that the environment names; the last check before it."""

from __future__ import annotations

import functools
import ssl
import threading
import urllib.request
from collections.abc import Callable
from typing import Any, Final

import attrs
import httpx

from damlink._system.waiting import Verify, verify_nothing

__all__ = ["LEAVING", "VERIFY", "NetworkTransport", "verifier"]

VERIFY: Final = "damlink.verify"  # the request extension with a check of this one request
LEAVING: Final = "damlink.leaving"  # the request extension with what is called once the bytes leave
_TRACE: Final = "trace"  # httpx's own extension
_FIRST_BYTES: Final = ".send_request_headers.started"

LIMITS: Final = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=30.0)


class NetworkTransport(httpx.BaseTransport):
    """Sends by `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; trusts `SSL_CERT_FILE` besides.

    httpx reads the proxies itself only where nothing wraps its transport.

    Args:
        verify: called when a connection is ready and nothing has been written yet: after the wait for
            the pace, for a connection, and for its handshakes. Raises to keep the request back.
    """

    def __init__(self, verify: Verify = verify_nothing) -> None:
        self._verify = verify
        self._routes: dict[str | None, httpx.HTTPTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it along its route."""
        trace = request.extensions.get(_TRACE)
        if not isinstance(trace, _LastCheck):
            leaving = request.extensions.get(LEAVING)
            last = _LastCheck(verifier(self._verify, request), leaving, trace)
            request.extensions = {**request.extensions, _TRACE: last}
        return self._route(_proxy(request.url)).handle_request(request)

    def close(self) -> None:
        """Close every connection."""
        for route in self._routes.values():
            route.close()

    def _route(self, proxy: str | None) -> httpx.HTTPTransport:
        with self._lock:
            if proxy not in self._routes:
                self._routes[proxy] = httpx.HTTPTransport(verify=_tls(), proxy=proxy, limits=LIMITS)
            return self._routes[proxy]


@attrs.frozen
class _LastCheck:
    """Called by httpx's transport for each of its steps; verifies before the first byte leaves."""

    verify: Verify
    leaving: Callable[[], object] | None
    passed_on: Callable[[str, dict[str, Any]], None] | None

    def __call__(self, step: str, details: dict[str, Any]) -> None:
        if step.endswith(_FIRST_BYTES):
            self.verify()
            if self.leaving is not None:
                self.leaving()
        if self.passed_on is not None:
            self.passed_on(step, details)


def verifier(verify: Verify, request: httpx.Request) -> Verify:
    """Join a client's check with that of one request."""
    own: Verify | None = request.extensions.get(VERIFY)
    if own is None:
        return verify

    def both() -> None:
        verify()
        own()

    return both


@functools.cache
def _tls() -> ssl.SSLContext:
    """One for all: reading the certificate authorities is slow, and they fill megabytes."""
    return httpx.create_ssl_context()


def _proxy(url: httpx.URL) -> str | None:
    if urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(url.scheme) or proxies.get("all")
