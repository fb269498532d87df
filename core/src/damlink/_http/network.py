"""Network transport: direct or through the environment's proxy, with a last check before sending."""

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

# Request extensions: a check of this one request, and a function called when its first byte is sent.
VERIFY: Final = "damlink.verify"
LEAVING: Final = "damlink.leaving"
_TRACE: Final = "trace"  # httpx's own extension
_FIRST_BYTES: Final = ".send_request_headers.started"

LIMITS: Final = httpx.Limits(max_connections=64, max_keepalive_connections=64, keepalive_expiry=30.0)


class NetworkTransport(httpx.BaseTransport):
    """Transport that follows `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, and also trusts `SSL_CERT_FILE`.

    httpx itself reads the proxies only for a client without a custom transport.

    Args:
        verify: called when a connection is ready and nothing has been written yet: after the waits for
            the rate limiter, a connection and its handshakes. Raises to stop the request.
    """

    def __init__(self, verify: Verify = verify_nothing) -> None:
        self._verify = verify
        self._routes: dict[tuple[str, str | None], httpx.HTTPTransport] = {}
        # By scheme and host: to read the environment takes as long as half a request.
        self._proxies: dict[tuple[str, str], str | None] = {}
        self._lock = threading.Lock()
        # httpx imports its network layer with the first transport: not within the first request.
        self._route("http", None)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request directly or through its proxy."""
        trace = request.extensions.get(_TRACE)
        if not isinstance(trace, _LastCheck):
            leaving = request.extensions.get(LEAVING)
            last = _LastCheck(verifier(self._verify, request), leaving, trace)
            request.extensions = {**request.extensions, _TRACE: last}
        where = request.url.scheme, request.url.host
        if where not in self._proxies:
            self._proxies[where] = _proxy(request.url)
        return self._route(request.url.scheme, self._proxies[where]).handle_request(request)

    def close(self) -> None:
        """Close every connection."""
        for route in self._routes.values():
            route.close()

    def _route(self, scheme: str, proxy: str | None) -> httpx.HTTPTransport:
        with self._lock:
            if (scheme, proxy) not in self._routes:
                # Without https nothing is verified: an empty context saves reading the authorities.
                tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if scheme == "http" else _tls()
                self._routes[scheme, proxy] = httpx.HTTPTransport(verify=tls, proxy=proxy, limits=LIMITS)
            return self._routes[scheme, proxy]


@attrs.frozen
class _LastCheck:
    """Trace function of httpx's transport; verifies the request before its first byte is sent."""

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
    """Return a check that calls the client's check and then the request's."""
    own: Verify | None = request.extensions.get(VERIFY)
    if own is None:
        return verify

    def both() -> None:
        verify()
        own()

    return both


@functools.cache
def _tls() -> ssl.SSLContext:
    """Create the TLS context once: reading the certificate authorities is slow and takes megabytes."""
    return httpx.create_ssl_context()


def _proxy(url: httpx.URL) -> str | None:
    if urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(url.scheme) or proxies.get("all")
