"""HTTP as the rest of Damlink knows it: one kind of client, built here alone."""

from __future__ import annotations

import email.utils
import functools
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from damlink._content import Content
from damlink._http._auth import BearerAuth, Custody, OAuth2, OriginAuth, Token
from damlink._http._fetch import fetch
from damlink._http._network import NetworkTransport
from damlink._http._oauth1 import OAuth1
from damlink._http._origin import origin_of
from damlink._http._remote import RemoteContent
from damlink._http._sent import SentRequest
from damlink._http._status import partner_error, stranger_error
from damlink._http._transports import ACCOUNT, LogTransport, PaceTransport, RateTransport
from damlink._pace import Pace
from damlink._retry import Account, Terms, retrying
from damlink._version import __version__
from damlink.errors import ConnectorError, TransientError, UnclearError

__all__ = [
    "ANSWERED",
    "IDEMPOTENT",
    "TERMS",
    "BearerAuth",
    "Client",
    "Custody",
    "NetworkTransport",
    "OAuth1",
    "OAuth2",
    "SentRequest",
    "Token",
    "fetch",
    "has_failed_before",
    "open_client",
    "origin_of",
]

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0, pool=300.0)  # seconds
IDEMPOTENT: Final = "damlink.idempotent"
ACCEPTED: Final = "damlink.accepted"
ANSWERED: Final = "damlink.answered"  # the request extension with a function that takes each answer
TERMS: Final = "damlink.terms"  # the request extension that carries a caller's own terms of repeating it
_REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_MOST_REDIRECTS: Final = 10
_HARMLESS_HEADERS: Final = ("accept", "accept-encoding", "range", "if-range", "user-agent")

Classify = Callable[[httpx.Response, bool], ConnectorError | None]
"""Turns an answer into the error that it stands for; told whether the request may be repeated."""


class Client(httpx.Client):
    """An `httpx.Client` that signs for its own origin only, repeats what may be repeated, and turns
    statuses into the errors of `damlink.errors`.

    GET, HEAD, PUT and DELETE are repeated. A POST is repeated if it provably was not sent, on 429,
    or if its caller says `idempotent=True`; otherwise its failure is an `UnclearError`. An answer
    of 400 or above is raised, never returned.
    """

    def __init__(
        self,
        *,
        base_url: str,
        transport: httpx.BaseTransport,
        classify: Classify = partner_error,
        verify_before_send: Callable[[], None] | None = None,
    ) -> None:
        self.origin = httpx.URL(base_url)
        self._classify = classify
        self._verify_before_send = verify_before_send or (lambda: None)
        self._ahead = timedelta()  # how far the other side's clock is ahead of ours
        super().__init__(
            base_url=base_url,
            transport=transport,
            headers={"User-Agent": f"damlink/{__version__}"},
            timeout=TIMEOUT,
        )

    def sign_with(self, auth: httpx.Auth | None) -> None:
        """Sign requests to this client's origin from now on."""
        self.auth = OriginAuth(auth, self.origin) if auth else httpx.Auth()

    def tell(self, on_request: Callable[[SentRequest], None]) -> None:
        """Tell of every request as it leaves, secrets redacted: signed, repeated and redirected ones, too."""
        hook = functools.partial(SentRequest.of, own=self.origin)
        self.event_hooks = {"request": [lambda request: on_request(hook(request))]}

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
            idempotent: sending it twice does no more than sending it once.
            accept: statuses of 400 and above that are answers to read, and not errors.
        """
        marks = {IDEMPOTENT: idempotent, ACCEPTED: accept}
        options["extensions"] = {**(options.get("extensions") or {}), **marks}
        return self.request("POST", url, **options)

    def remote_now(self) -> datetime:
        """The other side's clock, as its last answer told it; ours if none did."""
        return datetime.now(UTC) + self._ahead

    def content(self, url: str, filename: str | None) -> Content:
        """The bytes behind an address."""
        return RemoteContent(self, url, filename)

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send a request, again where that is right, and follow redirects.

        Raises:
            TransientError: it may work later; every try is spent.
            UnclearError: it may or may not have happened.
            AuthError: 401 or 403 of our own origin.
            AssetRejectedError: another 4xx.
        """
        options["follow_redirects"] = False
        for _ in range(_MOST_REDIRECTS):
            terms: Terms | None = request.extensions.get(TERMS)
            response = retrying(functools.partial(self._try, request, stream, options), terms)
            following = self._following(request, response)
            if following is None:
                return response
            response.close()
            request = following
        raise TransientError(f"{request.url.host} redirects in circles")

    def _try(
        self, request: httpx.Request, stream: bool, options: Mapping[str, Any], account: Account
    ) -> httpx.Response:
        repeatable = request.method in _REPEATABLE or bool(request.extensions.get(IDEMPOTENT))
        request.extensions[ACCOUNT] = account
        self._verify_before_send()
        try:
            response = super().send(request, stream=stream, **options)
        except httpx.TransportError as broken:
            raise _broken(broken, request, repeatable) from broken
        self._ahead = _ahead(response, self._ahead)
        error = self._error(response, repeatable)
        if (take := request.extensions.get(ANSWERED)) is not None:
            take(response)
        if error is not None:
            raise error
        return response

    def _error(self, response: httpx.Response, repeatable: bool) -> ConnectorError | None:
        status, accepted = response.status_code, response.request.extensions.get(ACCEPTED, ())
        if status < 300 or status in accepted:
            return None
        if response.status_code >= 400:
            _read_quietly(response)
        own = origin_of(response.request.url) == origin_of(self.origin)
        return self._classify(response, repeatable) if own else stranger_error(response, repeatable)

    def _following(self, request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
        """The request that a redirect asks for: with its method and body within our origin, as a GET
        without any header of ours elsewhere. A 303 always becomes a GET.
        """
        if not response.has_redirect_location:
            return None
        target = request.url.join(response.headers["location"])
        keeps = response.status_code != httpx.codes.SEE_OTHER and request.method != "GET"
        if keeps and origin_of(target) == origin_of(request.url):
            return self._moved(request, target)
        headers = {name: request.headers[name] for name in _HARMLESS_HEADERS if name in request.headers}
        return self.build_request("GET", target, headers=headers)

    def _moved(self, request: httpx.Request, target: httpx.URL) -> httpx.Request:
        return httpx.Request(
            request.method,
            target,
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )


def has_failed_before(request: httpx.Request) -> bool:
    """Whether a try of this request came to nothing before the one that was answered."""
    account = request.extensions.get(ACCOUNT)
    return isinstance(account, Account) and account.failures > 0


def _ahead(response: httpx.Response, known: timedelta) -> timedelta:
    try:
        told = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return known
    return told.astimezone(UTC) - datetime.now(UTC)


def _read_quietly(response: httpx.Response) -> None:
    """Read an error's body for its words; one that breaks off has said its status at least."""
    try:
        response.read()
    except httpx.HTTPError:
        response._content = b""


def _broken(error: httpx.TransportError, request: httpx.Request, repeatable: bool) -> ConnectorError:
    """The error of a request that got no answer, or half of one."""
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    renewing = error.request.url != request.url  # it was the token request: ours never left
    host = error.request.url.netloc.decode("ascii")
    what = f"{request.method} {host}"
    cause = str(error) or type(error).__name__
    if unsent:
        hint = "check the address in the config, and the network"
        return TransientError(f"cannot reach {host}: {cause}", hint=hint)
    if repeatable or renewing:
        return TransientError(f"no whole answer to {what}: {cause}")
    return UnclearError(f"no answer to {what}: {cause}")


def open_client(
    base_url: str,
    *,
    pace: Pace | None = None,
    requests_per_second: float | None = None,
    classify: Classify = partner_error,
    verify_before_send: Callable[[], None] | None = None,
) -> Client:
    """Build a client; proxies and certificate authorities as the environment says.

    Args:
        base_url: relative paths are resolved against it, and its origin is signed for; empty takes
            whole addresses and signs nothing.
        pace: the account its requests are counted on, redirects and repeats included.
        requests_per_second: a limit within this process, for the origin's host.
        verify_before_send: called before every send; raises to stop it.
    """
    url = httpx.URL(base_url)
    transport: httpx.BaseTransport = LogTransport(NetworkTransport(), url)
    if pace is not None:
        transport = PaceTransport(transport, pace)
    if requests_per_second:
        transport = RateTransport(transport, url.host, requests_per_second)
    return Client(
        base_url=base_url, transport=transport, classify=classify, verify_before_send=verify_before_send
    )
