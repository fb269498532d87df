"""Transports around the network transport: a log without secrets, and rate limits."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

import httpx

from damlink._http.network import verifier
from damlink._http.rate_limiter import RateLimiter
from damlink._http.retry import Account, pause
from damlink._system.waiting import Verify, verify_nothing

__all__ = ["ACCOUNT", "LogTransport", "PaceTransport", "RateTransport", "credit", "has_failed_before"]

ACCOUNT: Final = "damlink.account"  # request extension with its retry `Account`

_log = logging.getLogger("damlink.http")


class _Around(httpx.BaseTransport):
    """Transport around another one."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def close(self) -> None:
        self._inner.close()


class LogTransport(_Around):
    """Transport that logs each request: method, host, status, request id, milliseconds.

    Paths are shown only for the client's own origin: elsewhere a path may give access to a file.
    """

    def __init__(self, inner: httpx.BaseTransport, own: httpx.URL) -> None:
        super().__init__(inner)
        self._own = own

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send and log a request."""
        if not _log.isEnabledFor(logging.DEBUG):
            return self._inner.handle_request(request)
        began = time.monotonic()
        outcome = "no answer"
        try:
            response = self._inner.handle_request(request)
            outcome = " ".join([str(response.status_code), *_request_ids(response)])
            return response
        finally:
            at_home = request.url.netloc == self._own.netloc
            path = request.url.path if at_home else "/…"
            milliseconds = (time.monotonic() - began) * 1000
            _log.debug("%s %s%s %s %.0f ms", request.method, request.url.host, path, outcome, milliseconds)


def _request_ids(response: httpx.Response) -> list[str]:
    """Return the ids by which the other side's support finds the request."""
    return response.headers.get_list("x-request-id")


class PaceTransport(_Around):
    """Transport that takes a permit of the rate limiter for every request, and stops all after a 429."""

    def __init__(
        self, inner: httpx.BaseTransport, pace: RateLimiter, verify: Verify = verify_nothing
    ) -> None:
        super().__init__(inner)
        self._pace = pace
        self._verify = verify

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a permit, then send a request."""
        with self._pace.permit(verifier(self._verify, request)) as held:
            credit(request, held)
            response = self._inner.handle_request(request)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self._pace.silence()
        return response


class RateTransport(_Around):
    """Transport that limits the requests per second to one host within this process, evenly spaced."""

    def __init__(
        self,
        inner: httpx.BaseTransport,
        host: str,
        requests_per_second: float,
        verify: Verify = verify_nothing,
    ) -> None:
        super().__init__(inner)
        self._verify = verify
        self._host = host
        self._interval = 1 / requests_per_second
        self._next_at = 0.0
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for the request's turn, then send it."""
        if request.url.host == self._host:
            self._wait(request)
        return self._inner.handle_request(request)

    def _wait(self, request: httpx.Request) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next_at)
            self._next_at = turn + self._interval
        credit(request, turn - now)
        pause(turn - now, verifier(self._verify, request))


def credit(request: httpx.Request, seconds: float) -> None:
    """Add waiting time to a request's account, so that it does not count as its own time."""
    account = request.extensions.get(ACCOUNT)
    if isinstance(account, Account):
        account.held_seconds += seconds


def has_failed_before(request: httpx.Request) -> bool:
    """Return whether an earlier attempt of this request failed before the answered one."""
    account = request.extensions.get(ACCOUNT)
    return isinstance(account, Account) and account.failures > 0
