"""Requests signed with tokens that one process at a time renews, and tokens by a request of any form."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final

import httpx

from damlink._http.answer import AnswerLimits, read_answer
from damlink._http.custody import Custody, MemoryCustody
from damlink._http.described import describe
from damlink._http.network import LEAVING, VERIFY
from damlink._http.outcome import PLUGIN_CLASSIFY, is_refused
from damlink._http.token import Token, refusal_of, token_of
from damlink._http.transports import ACCOUNT, credit
from damlink._secret import Secret
from damlink._system.process import age_clock, defer_signals
from damlink._system.waiting import Verify
from damlink.errors import ConnectorError, TransientError

__all__ = ["CustodyAuth", "TokenAuth", "open_secrets"]

# In place of the body of a login that succeeded: it may hold a token.
UNSHOWN: Final = "not shown, since it may hold a token"


class CustodyAuth(httpx.Auth):
    """Auth with tokens in the core's custody. A subclass says how a token is requested.

    Args:
        token_url: the whole address of the token endpoint.
        headers: additional headers of every signed request and of the token requests.
    """

    def __init__(self, token_url: str, headers: Mapping[str, Secret] | None) -> None:
        self.token_url = token_url
        self._headers = dict(headers or {})
        self.name = ""  # portal or connector, as `damlink login` takes it
        self.custody: Custody = MemoryCustody()

    @property
    def rotates(self) -> bool:
        """True if a lost refresh token could lock us out, because no other grant exists."""
        return False

    @property
    def account(self) -> str:
        """A digest of the credentials, under which the tokens are stored."""
        raise NotImplementedError

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign with the token in custody. Renew it first if it is old, and once after a 401."""
        token = self.custody.load()
        if token is None or not token.fresh:
            token = yield from self._renew(token, request)
        response = yield self._sign(request, token)
        if response.status_code == httpx.codes.UNAUTHORIZED and _is_unsigned(response):
            token = yield from self._renew(token, request)
            yield self._sign(request, token)

    def _sign(self, request: httpx.Request, token: Token) -> httpx.Request:
        raise NotImplementedError

    def _renew(
        self, stale: Token | None, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, Token]:
        began = age_clock()
        with self.custody.exclusive() as confirm, contextlib.ExitStack() as shield:
            credit(request, age_clock() - began)
            held = self.custody.load()
            if held is not None and held.fresh and (stale is None or held.access != stale.access):
                return held  # renewed by another process or thread
            return (yield from self._obtain(held, _extensions(request, confirm, shield)))

    def _obtain(
        self, held: Token | None, extensions: dict[str, Any]
    ) -> Generator[httpx.Request, httpx.Response, Token]:
        """Request a token in place of the one that is held, and return the one that is stored then."""
        raise NotImplementedError


class TokenAuth(CustodyAuth):
    """Token that the partner gives for credentials by a request of its own form, such as a login in JSON.

    The tokens are kept like those of `OAuth2`: stored encrypted, requested once for all threads and
    processes, again a little before their end, and once after a 401.

    Args:
        token_url: the whole address of the login.
        body: what is sent there by POST, as JSON; each `Secret` is opened.
        read: takes the answer, and returns the token and its lifetime in seconds. It may raise any error,
            such as a `KeyError`: then the answer is one that cannot be understood. Not called for an
            answer of 400 or above.
        header: of the signed requests.
        prefix: stands before the token in that header.
        form: send `body` as a form instead of JSON.
        headers: additional headers of every signed request and of the login, such as an API key.
    """

    def __init__(
        self,
        token_url: str,
        body: Mapping[str, str | Secret],
        read: Callable[[httpx.Response], tuple[str, float]],
        *,
        header: str = "Authorization",
        prefix: str = "Bearer ",
        form: bool = False,
        headers: Mapping[str, Secret] | None = None,
    ) -> None:
        super().__init__(token_url, headers)
        self._body = dict(body)
        self._read = read
        self._header = header
        self._prefix = prefix
        self._form = form

    @property
    def account(self) -> str:
        """A digest of the credentials, under which the tokens are stored."""
        given = json.dumps(
            [self.token_url, open_secrets(self._body), open_secrets(self._headers)], sort_keys=True
        )
        return hashlib.sha256(given.encode()).hexdigest()

    def _sign(self, request: httpx.Request, token: Token) -> httpx.Request:
        request.headers.update(open_secrets(self._headers))
        request.headers[self._header] = f"{self._prefix}{token.access.reveal()}"
        return request

    def _obtain(
        self, held: Token | None, extensions: dict[str, Any]
    ) -> Generator[httpx.Request, httpx.Response, Token]:
        body: dict[str, Any] = {"data" if self._form else "json": open_secrets(self._body)}
        headers = {"Accept": "application/json", **open_secrets(self._headers)}
        response = yield httpx.Request("POST", self.token_url, headers=headers, extensions=extensions, **body)
        return self.custody.replace(self._read_token(response), held)

    def _read_token(self, response: httpx.Response) -> Token:
        read_answer(response, AnswerLimits())
        if (refusal := refusal_of(response, "check the credentials in the config")) is not None:
            raise refusal
        try:
            access, seconds = self._read(response)
            token = token_of(access, seconds)
        except Exception as error:
            if isinstance(error, ConnectorError):
                error.body = error.body or UNSHOWN
                raise describe(error, response) from error
            # The text of another error may hold the token.
            cause = f"{error!r}" if isinstance(error, KeyError) else type(error).__name__
            message = (
                f"{response.request.url.host} answered a token request with what cannot be read: {cause}"
            )
            unread = TransientError(message, status=response.status_code, body=UNSHOWN)
            raise describe(unread, response) from error
        return token


def open_secrets(given: Mapping[str, str | Secret]) -> dict[str, str]:
    """Return texts with each secret opened."""
    return {name: each.reveal() if isinstance(each, Secret) else each for name, each in given.items()}


def _is_unsigned(response: httpx.Response) -> bool:
    """Return whether a 401 proves that nothing was done, so that the request can be repeated."""
    read_answer(response, AnswerLimits())
    return is_refused(response)


def _extensions(request: httpx.Request, confirm: Verify, shield: contextlib.ExitStack) -> dict[str, Any]:
    """Return the extensions of a token request: some of the original request, and its own last check.

    Signals are deferred from the first byte on: a lost answer would lose a rotating refresh token.
    """
    names = ("timeout", ACCOUNT, PLUGIN_CLASSIFY)
    taken_over = {name: request.extensions[name] for name in names if name in request.extensions}
    return taken_over | {VERIFY: confirm, LEAVING: lambda: shield.enter_context(defer_signals())}
