"""The HTTP client of Damlink, with signing, repetition, rate limits and errors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import httpx

from damlink._content import Content
from damlink._http.answer import ENCODINGS, AnswerLimits, read_answer
from damlink._http.body import guard_body, unwrap_failures
from damlink._http.connection import TIMEOUT, Connection
from damlink._http.described import describe
from damlink._http.library_log import redact_library_log
from damlink._http.network import VERIFY, GivenTransport, NetworkTransport
from damlink._http.origin import OriginAuth, origin_of
from damlink._http.outcome import (
    ACCEPTED,
    CLASSIFY,
    ERROR_FIELDS,
    IDEMPOTENT,
    PLUGIN_CLASSIFY,
    REFUSES,
    Refuses,
    as_unclear,
    broken_error,
    is_repeatable,
    partner_refuses,
    read_result,
)
from damlink._http.rate_limiter import RateLimiter
from damlink._http.redact import SentRequest
from damlink._http.redirect import follow, is_same_but_for_slash, unclear_once_moved
from damlink._http.remote import RemoteContent
from damlink._http.remote_clock import RemoteClock
from damlink._http.retry import Account, Terms, call_with_retries, pause_between
from damlink._http.status import name_request, other_host_error, partner_error, plugin_error
from damlink._http.transports import (
    ACCOUNT,
    LogTransport,
    PaceTransport,
    RateTransport,
)
from damlink._system.waiting import Verify, verify_nothing
from damlink._version import __version__
from damlink.errors import ConnectorError, TransientError

__all__ = ["ANSWERED", "TERMS", "Classify", "Client", "PluginClassify", "open_client"]

# Request extensions: a function called with each answer, and a caller's own terms of repetition.
ANSWERED: Final = "damlink.answered"
TERMS: Final = "damlink.terms"
_MOST_REDIRECTS: Final = 10
_TOO_MANY: Final = httpx.codes.TOO_MANY_REQUESTS
_HARMLESS_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Classify = Callable[[httpx.Response, bool], ConnectorError | None]
"""Returns the error of an answer, or `None`. The second argument: may the request be repeated?"""

PluginClassify = Callable[[httpx.Response], ConnectorError | None]
"""A plugin's `classify`."""

T = TypeVar("T")


class _Cookies(httpx.Cookies):
    """Cookies that are looked for only in an answer that sets one."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take the cookies of an answer."""
        if "set-cookie" in response.headers:
            super().extract_cookies(response)


class Client(httpx.Client):
    """An `httpx.Client` that signs for its own origin only, repeats safe requests, and raises
    the errors of `damlink.errors`.

    GET, HEAD, PUT and DELETE are repeated. A POST is repeated if it provably was not sent, on 429,
    or with `idempotent=True`. Otherwise it has failed only if the other side answers with its own
    form of an error; any other failure is an `UnclearError`. Send such a request by
    `send_once`, so that a success with an unreadable answer is unclear as well. An answer of 400 or
    above is raised, never returned. Answers that are not streamed end after 2 minutes, and contain
    64 MiB at most.
    """

    def __init__(
        self,
        *,
        base_url: str,
        transport: httpx.BaseTransport,
        classify: Classify = partner_error,
        refuses: Refuses = partner_refuses,
        verify: Verify = verify_nothing,
        limits: AnswerLimits | None = None,
        timeout: httpx.Timeout | None = None,
    ) -> None:
        self.origin = httpx.URL(base_url)
        self._classify = classify
        self._refuses = refuses
        self._limits = limits or AnswerLimits()
        self._verify = verify
        self._verify_effect = verify_nothing
        self._plugin_classify: PluginClassify | None = None
        self._remote_clock = RemoteClock()
        super().__init__(
            base_url=base_url,
            transport=transport,
            headers={"User-Agent": f"damlink/{__version__}", "Accept-Encoding": ENCODINGS},
            timeout=timeout or TIMEOUT,
        )
        self._cookies = _Cookies()
        self._base = "" if self.base_url.query else str(self.base_url).rstrip("/")

    def _merge_url(self, url: httpx.URL | str) -> httpx.URL:
        # httpx parses a path, and then the whole address once more.
        if self._base and isinstance(url, str) and url.startswith("/") and not url.startswith("//"):
            return httpx.URL(f"{self._base}{url}")
        return super()._merge_url(url)

    def sign_with(self, auth: httpx.Auth | None) -> None:
        """Sign requests to this client's origin from now on."""
        self.auth = OriginAuth(auth, self.origin) if auth else httpx.Auth()

    def classify_with(self, classify: PluginClassify | None) -> None:
        """Consult a plugin's `classify` for refusals by this client's origin, before the general rule."""
        self._plugin_classify = classify

    def guard_effects(self, verify: Verify) -> None:
        """Call `verify` for each request that may have an effect, right before its first byte is sent, and
        during its waits. It raises an error to stop the request.
        """
        self._verify_effect = verify

    def tell(self, on_request: Callable[[SentRequest], None]) -> None:
        """Call a function with every request sent, repeated or redirected, with its secrets redacted."""
        hook = functools.partial(SentRequest.of, own=self.origin)
        self.event_hooks = {"request": [lambda request: on_request(hook(request))]}

    def get(self, url: httpx.URL | str, *, accept: Collection[int] = (), **options: Any) -> httpx.Response:
        """Send a GET.

        Args:
            accept: statuses of 400 and above that are returned instead of raised.
        """
        return self._request_accepting("GET", url, accept, options)

    def put(self, url: httpx.URL | str, *, accept: Collection[int] = (), **options: Any) -> httpx.Response:
        """Send a PUT.

        Args:
            accept: statuses of 400 and above that are returned instead of raised.
        """
        return self._request_accepting("PUT", url, accept, options)

    def delete(self, url: httpx.URL | str, *, accept: Collection[int] = (), **options: Any) -> httpx.Response:
        """Send a DELETE.

        Args:
            accept: statuses of 400 and above that are returned instead of raised, such as 404.
        """
        return self._request_accepting("DELETE", url, accept, options)

    def _request_accepting(
        self, method: str, url: httpx.URL | str, accept: Collection[int], options: dict[str, Any]
    ) -> httpx.Response:
        if accept:
            options["extensions"] = {**(options.get("extensions") or {}), ACCEPTED: accept}
        return self.request(method, url, **options)

    def post(
        self,
        url: httpx.URL | str,
        *,
        idempotent: bool = False,
        accept: Collection[int] = (),
        **options: Any,
    ) -> httpx.Response:
        """Send a POST.

        Args:
            idempotent: sending it twice has the same effect as sending it once.
            accept: statuses of 400 and above that are returned instead of raised.
        """
        marks = {IDEMPOTENT: idempotent, ACCEPTED: accept}
        options["extensions"] = {**(options.get("extensions") or {}), **marks}
        return self.request("POST", url, **options)

    def send_once(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        read: Callable[[httpx.Response], T],
        accept: Collection[int] = (),
        error_fields: Collection[str] = (),
        **options: Any,
    ) -> T:
        """Send a request that must not be repeated; return the result of `read` for its answer.

        It is done if `read` succeeds. It is not done if it was not sent, on 429, and on a 4xx with a
        JSON object that contains a text: those are raised as usual. Everything else is unclear.

        Args:
            method: such as POST.
            url: relative to the base address, or absolute.
            read: returns the required part of the answer, such as an id, or raises any error, such as a
                `KeyError`, if it is missing.
            accept: statuses other than 2xx that `read` understands.
            error_fields: the fields of which one contains the text of a refusal; any field if not given.

        Raises:
            UnclearError: it may or may not have happened. Never repeat it blindly.
        """
        marks = {ACCEPTED: accept, ERROR_FIELDS: error_fields}
        options["extensions"] = {**(options.get("extensions") or {}), **marks}
        response = self.request(method, url, **options)
        try:
            return read_result(response, read, accept)
        except ConnectorError as error:
            describe(error, response)
            raise

    def remote_now(self) -> datetime:
        """Return the time on the other side's clock, by its last answer; ours before there is one."""
        return self._remote_clock.now()

    def pause(self, seconds: float) -> None:
        """Wait between two requests, unless the run ends.

        Raises:
            StoppedError: the run is stopping.
            LeaseLostError: another run has taken over.
        """
        pause_between(seconds, self._verify)

    def content(
        self, url: str, filename: str | None, media_type: str | None = None, *, signed: bool = True
    ) -> Content:
        """Return the file at an address as content.

        Args:
            media_type: what is expected; an error page in its place is refused.
            signed: sign the request, if it goes to this client's origin.
        """
        return RemoteContent(self, url, filename, media_type, signed=signed)

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send a request, repeat it where that is safe, and follow redirects.

        Raises:
            TransientError: it may work later; no attempt is left.
            UnclearError: it may or may not have happened.
            AuthError: 401 or 403 of our own origin.
            AssetRejectedError: another 4xx.
        """
        options["follow_redirects"] = False
        once, seen = not is_repeatable(request), [request.url]
        for _ in range(_MOST_REDIRECTS):
            terms: Terms | None = request.extensions.get(TERMS)
            attempt = functools.partial(self._try, request, stream, options)
            has_moved = once and len(seen) > 1 and not is_same_but_for_slash(seen[0], request.url)
            with unwrap_failures(), unclear_once_moved(has_moved):
                response = call_with_retries(attempt, terms, self._verify)
            following = follow(self, request, response)
            if following is None:
                return response
            response.close()
            request = following
            if once and request.url in seen:
                break
            seen.append(request.url)
        circles = TransientError(f"{request.url.host} redirects in circles")
        raise as_unclear(circles) if once else circles

    def _try(
        self, request: httpx.Request, stream: bool, options: Mapping[str, Any], account: Account
    ) -> httpx.Response:
        request.extensions |= {ACCOUNT: account, REFUSES: self._refuses}
        request.extensions[PLUGIN_CLASSIFY] = self._plugin_classify
        guard_body(request, account, self._verify)
        if request.method not in _HARMLESS_METHODS:
            request.extensions.setdefault(VERIFY, self._verify_effect)
        try:
            response = super().send(request, stream=True, **options)
            self._read(response, stream)
        except httpx.RequestError as broken:
            raise name_request(broken_error(broken, request), request, self.origin) from broken
        self._remote_clock.set_by(response)
        error = self._error(response, is_repeatable(request))
        if (take := request.extensions.get(ANSWERED)) is not None:
            take(response)
        if error is not None:
            is_own = origin_of(response.request.url) == origin_of(self.origin)
            raise name_request(describe(error, response, is_own=is_own), request, self.origin, response)
        return response

    def _read(self, response: httpx.Response, stream: bool) -> None:
        """Read an error's body, as far as it arrives, and any other body that is not streamed."""
        if response.status_code >= 400:
            try:
                read_answer(response, self._limits)
            except httpx.RequestError:
                response._content = b""
        elif not stream:
            read_answer(response, self._limits)

    def _error(self, response: httpx.Response, repeatable: bool) -> ConnectorError | None:
        status, accepted = response.status_code, response.request.extensions.get(ACCEPTED, ())
        if status < 300 or status in accepted:
            return None
        own = origin_of(response.request.url) == origin_of(self.origin)
        classify = response.request.extensions.get(CLASSIFY) or (self._classify if own else other_host_error)
        special = plugin_error(response) if own else None
        error: ConnectorError | None = special or classify(response, repeatable)
        # A plugin may choose the error, or call it a 429, but cannot make an unclear effect certain.
        is_throttled = _TOO_MANY in (status, special.status if special else None)
        is_clear = repeatable or is_throttled or (own and self._refuses(response))
        return error if error is None or is_clear else as_unclear(error)


def open_client(
    base_url: str,
    *,
    pace: RateLimiter | None = None,
    requests_per_second: float | None = None,
    classify: Classify = partner_error,
    refuses: Refuses = partner_refuses,
    verify_before_send: Callable[[], None] | None = None,
    limits: AnswerLimits | None = None,
    connection: Connection | None = None,
) -> Client:
    """Build a client, with the proxies and certificate authorities of the environment if no others are given.

    Args:
        base_url: the base of relative paths, and the origin for which requests are signed. If empty, the
            client takes absolute addresses and signs nothing.
        pace: the rate limiter that counts its requests, redirects and repetitions included.
        requests_per_second: a limit within this process, for the origin's host.
        classify: see `Classify`.
        refuses: see `Refuses`.
        verify_before_send: called right before the first byte of every request is sent, token requests,
            repetitions and redirects included, and repeatedly during every wait; raises to stop it.
        limits: limits of answers that are not streamed.
        connection: time-outs, proxy, certificates, local address, or a transport of the caller.
    """
    redact_library_log()
    verify = verify_before_send or verify_nothing
    url = httpx.URL(base_url)
    connection = connection or Connection()
    given = connection.transport
    network = GivenTransport(given, verify) if given else NetworkTransport(verify, connection)
    transport: httpx.BaseTransport = LogTransport(network, url)
    if pace is not None:
        transport = PaceTransport(transport, pace, verify)
    if requests_per_second:
        transport = RateTransport(transport, url.host, requests_per_second, verify)
    return Client(
        base_url=base_url,
        transport=transport,
        classify=classify,
        refuses=refuses,
        verify=verify,
        limits=limits,
        timeout=connection.timeouts,
    )
