"""The way out: directly or through the proxy that the environment names."""

from __future__ import annotations

import functools
import ssl
import threading
import urllib.request
from typing import Final

import httpx

__all__ = ["NetworkTransport"]

LIMITS: Final = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=30.0)


class NetworkTransport(httpx.BaseTransport):
    """Sends by `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; trusts `SSL_CERT_FILE` besides.

    httpx reads the proxies itself only where nothing wraps its transport.
    """

    def __init__(self) -> None:
        self._routes: dict[str | None, httpx.HTTPTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it along its route."""
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


@functools.cache
def _tls() -> ssl.SSLContext:
    """One for all: reading the certificate authorities is slow, and they fill megabytes."""
    return httpx.create_ssl_context()


def _proxy(url: httpx.URL) -> str | None:
    if urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(url.scheme) or proxies.get("all")
