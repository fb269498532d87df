"""Network transport: direct or through the environment's proxy, with a last check before sending."""

from __future__ import annotations

import contextlib
import functools
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias, cast

import attrs
import httpx

from damlink._http.connection import Connection
from damlink._http.origin import origin_of
from damlink._system.waiting import Verify, verify_nothing

__all__ = [
    "LEAVING",
    "VERIFY",
    "Exchange",
    "GivenTransport",
    "NetworkTransport",
    "Send",
    "exchanging_by",
    "verifier",
]

# Request extensions: a check of this one request, and a function called when its first byte is sent.
VERIFY: Final = "damlink.verify"
LEAVING: Final = "damlink.leaving"
_TRACE: Final = "trace"  # httpx's own extension
_FIRST_BYTES: Final = ".send_request_headers.started"

KEPT_SECONDS: Final = 30.0
_ONE: Final = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEPT_SECONDS)

Send: TypeAlias = Callable[[httpx.Request], httpx.Response]
Exchange: TypeAlias = Callable[[httpx.Request, Send], httpx.Response]
"""Answers a request, by the second argument or without the network."""

_exchanges: list[Exchange] = []


@contextlib.contextmanager
def exchanging_by(exchange: Exchange) -> Iterator[None]:
    """Let a function exchange every request of this process for its answer; for recordings."""
    _exchanges.append(exchange)
    try:
        yield
    finally:
        _exchanges.remove(exchange)


class NetworkTransport(httpx.BaseTransport):
    """Transport that follows `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, and also trusts `SSL_CERT_FILE`.

    httpx itself reads the proxies only for a client without a custom transport.

    Args:
        verify: called when a connection is ready and nothing has been written yet: after the waits for
            the rate limiter, a connection and its handshakes. Raises to stop the request.
        connection: the proxy in place of the environment's, the certificates, and the local address.
    """

    def __init__(self, verify: Verify = verify_nothing, connection: Connection | None = None) -> None:
        self._verify = verify
        self._connection = connection or Connection()
        self._routes: dict[tuple[str, str | httpx.Proxy | None], _Connections] = {}
        # By scheme and host: to read the environment takes as long as half a request.
        self._proxies: dict[tuple[str, str], str | httpx.Proxy | None] = {}
        self._lock = threading.Lock()
        # httpx imports its network layer with the first transport: not within the first request.
        _open_transport("http", None, self._connection).close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request directly or through its proxy."""
        return _exchanges[-1](request, self._send) if _exchanges else self._send(request)

    def _send(self, request: httpx.Request) -> httpx.Response:
        trace = request.extensions.get(_TRACE)
        if not isinstance(trace, _LastCheck):
            leaving = request.extensions.get(LEAVING)
            last = _LastCheck(verifier(self._verify, request), leaving, trace)
            request.extensions = {**request.extensions, _TRACE: last}
        where = request.url.scheme, request.url.host
        if where not in self._proxies:
            given = self._connection.proxy
            self._proxies[where] = _proxy(request.url) if given is None else given or None
        return self._route(request.url.scheme, self._proxies[where]).handle_request(request)

    def close(self) -> None:
        """Close every connection."""
        for route in self._routes.values():
            route.close()

    def _route(self, scheme: str, proxy: str | httpx.Proxy | None) -> _Connections:
        with self._lock:
            if (scheme, proxy) not in self._routes:
                self._routes[scheme, proxy] = _Connections(scheme, proxy, self._connection)
            return self._routes[scheme, proxy]


class GivenTransport(httpx.BaseTransport):
    """Transport of the caller, with the last check before each request."""

    def __init__(self, inner: httpx.BaseTransport, verify: Verify = verify_nothing) -> None:
        self._inner = inner
        self._verify = verify

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Verify a request, then let the caller's transport send it."""
        verifier(self._verify, request)()
        if (leaving := request.extensions.get(LEAVING)) is not None:
            leaving()
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the caller's transport."""
        self._inner.close()


class _Connections:
    """Connections of one route, each in a transport of its own, of which the latest is used again.

    httpcore's own pool polls all of its connections at the beginning and at the end of each request.
    """

    def __init__(self, scheme: str, proxy: str | httpx.Proxy | None, connection: Connection) -> None:
        self._route = scheme, proxy, connection
        self._lock = threading.Lock()
        # By origin: those that no request uses, with the time of their last use, the latest at the end.
        self._free: dict[object, list[tuple[float, httpx.HTTPTransport]]] = {}
        self._all: set[httpx.HTTPTransport] = set()
        self._swept_at = time.monotonic()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on a free connection to its origin, or on a new one."""
        origin = origin_of(request.url)
        transport = self._take(origin)
        give_back = functools.partial(self._give_back, origin, transport)
        try:
            response = transport.handle_request(request)
        except BaseException:
            give_back()
            raise
        response.stream = _Stream(cast(httpx.SyncByteStream, response.stream), give_back)
        return response

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            left, self._all = self._all, set()
            self._free.clear()
        for transport in left:
            transport.close()

    def _take(self, origin: object) -> httpx.HTTPTransport:
        with self._lock:
            if free := self._free.get(origin):
                return free.pop()[1]
        transport = _open_transport(*self._route)
        with self._lock:
            self._all.add(transport)
        return transport

    def _give_back(self, origin: object, transport: httpx.HTTPTransport) -> None:
        now = time.monotonic()
        if _has_leftovers(transport):
            with self._lock:
                self._all.discard(transport)
            transport.close()
            return
        with self._lock:
            if transport in self._all:
                self._free.setdefault(origin, []).append((now, transport))
            old = self._sweep(now) if now - self._swept_at > KEPT_SECONDS else ()
        for each in old:
            each.close()

    def _sweep(self, now: float) -> list[httpx.HTTPTransport]:
        """Remove the connections that were not used for long, and return them."""
        self._swept_at, old = now, []
        for origin, free in list(self._free.items()):
            old += [transport for used_at, transport in free if now - used_at > KEPT_SECONDS]
            self._free[origin] = [each for each in free if now - each[0] <= KEPT_SECONDS]
            if not self._free[origin]:
                del self._free[origin]
        self._all.difference_update(old)
        return old


def _has_leftovers(transport: httpx.HTTPTransport) -> bool:
    """Return whether more bytes have arrived on a connection than its answer announced.

    h11 would take them for the beginning of the answer to the next request.
    """
    for each in transport._pool.connections:
        connection: Any = each
        # A proxy's connection holds the one that it leads to.
        while connection is not None and not hasattr(connection, "_h11_state"):
            connection = getattr(connection, "_connection", None)
        if connection is not None and connection._h11_state.trailing_data[0]:
            return True
    return False


class _Stream(httpx.SyncByteStream):
    """Body of an answer, at whose end the connection is free for the next request."""

    def __init__(self, inner: httpx.SyncByteStream, give_back: Callable[[], None]) -> None:
        self._inner = inner
        self._give_back: Callable[[], None] | None = give_back

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._inner)

    def close(self) -> None:
        """End the answer."""
        give_back, self._give_back = self._give_back, None
        try:
            self._inner.close()
        finally:
            if give_back is not None:
                give_back()


def _open_transport(
    scheme: str, proxy: str | httpx.Proxy | None, connection: Connection
) -> httpx.HTTPTransport:
    # Without https nothing is verified: an empty context saves reading the authorities.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if scheme == "http" else connection.find_tls()
    return httpx.HTTPTransport(verify=tls, proxy=proxy, limits=_ONE, local_address=connection.local_address)


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


def _proxy(url: httpx.URL) -> str | None:
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return None if proxy is None or urllib.request.proxy_bypass(url.host) else proxy
