"""How requests are signed: for one origin only, with tokens that are renewed in one place at a time."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote_plus

import attrs
import httpx

from damlink._http.answer import AnswerLimits, read_answer
from damlink._http.network import LEAVING, VERIFY
from damlink._http.outcome import ACCEPTED, PLUGIN_CLASSIFY, is_refused
from damlink._http.status import plugin_error, retry_after, shorten_body
from damlink._http.transports import ACCOUNT, credit
from damlink._secret import Secret
from damlink._system.process import age_clock, defer_signals
from damlink._system.waiting import Verify, hold, verify_nothing
from damlink.errors import AuthError, TransientError

__all__ = ["BearerAuth", "Custody", "OAuth2", "Token"]

VERIFIER_BYTES: Final = 48  # at least 32 are advised
LONGEST_MARGIN_SECONDS: Final = 60.0  # a token is renewed so long before it expires, at most
REDIRECT_URL: Final = "http://localhost:8765/callback"  # fixed, because it must be registered
LONGEST_LIFETIME_SECONDS: Final = 10 * 365 * 86400.0  # more is no lifetime, but a mistake
DEFAULT_LIFETIME_SECONDS: Final = 3600.0  # assumed where an answer does not say


class BearerAuth(httpx.Auth):
    """A token that never changes."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token."""
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request


@attrs.frozen
class Token:
    """An access token, when it should be renewed (seconds since 1970), and what renews it.

    `version` counts how often its custody has been given another one.
    """

    access: Secret
    renew_at: float
    refresh: Secret | None = None
    version: int = attrs.field(default=0, eq=False)

    @property
    def fresh(self) -> bool:
        """Whether it can still be used."""
        return time.time() < self.renew_at


class Custody(Protocol):
    """Where the token of one credential is kept, for all who use it."""

    def load(self) -> Token | None:
        """The token kept, or `None`."""

    def save(self, token: Token) -> None:
        """Keep a token; durable when this returns, so that it may be used."""

    def replace(self, token: Token, read: Token | None) -> Token:
        """Keep a renewed token if the one kept is still the one that was read; else leave that alone.

        Returns:
            The token that is kept now; durable, so that it may be used.
        """

    def exclusive(self) -> contextlib.AbstractContextManager[Verify]:
        """Hold the right to renew it.

        Yields:
            What makes sure that the right is still held; it raises `TransientError` if not.
        """


class MemoryCustody:
    """A custody that ends with the process."""

    def __init__(self) -> None:
        self._token: Token | None = None
        self._lock = threading.Lock()

    def load(self) -> Token | None:
        """The token kept, or `None`."""
        return self._token

    def save(self, token: Token) -> None:
        """Keep a token."""
        self._token = token

    def replace(self, token: Token, read: Token | None) -> Token:
        """Keep a token, unless another one has come since."""
        if self._token is None or self._token is read:
            self._token = token
        return self._token

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[Verify]:
        """Hold the right to renew it."""
        with hold(self._lock):
            yield verify_nothing


class OAuth2(httpx.Auth):
    """OAuth 2.0 with the tokens in the core's custody: kept encrypted, renewed once for all threads
    and processes, and again if the other side answers 401.

    The grant follows from what is given: a refresh token, a user name and password, or neither
    (client credentials). Where there is an `authorize_url`, `damlink login` can bring a token of a
    person's (authorization code); it is then renewed for as long as the other side permits.

    Args:
        token_url: the whole address of the token endpoint.
        refresh_token: the first one; later ones are kept in custody.
        scopes: to ask for; none leaves it to the other side.
        headers: sent with every signed request besides, such as an API key.
        authorize_url: where a person gives consent.
        redirect_url: on loopback, as registered at the other side.
        login_only: there is no grant but a person's consent.
        basic: give the client's id and secret in a Basic header, and not in the form.

    Source: RFC 6749, sections 2.3.1, 4.3, 4.4 and 6.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: Secret,
        *,
        username: str | None = None,
        password: Secret | None = None,
        refresh_token: Secret | None = None,
        scopes: tuple[str, ...] = (),
        headers: Mapping[str, Secret] | None = None,
        authorize_url: str = "",
        redirect_url: str = REDIRECT_URL,
        login_only: bool = False,
        basic: bool = False,
    ) -> None:
        self.token_url = token_url
        self.authorize_url = authorize_url
        self.redirect_url = redirect_url
        self._login_only = login_only
        self._basic = basic
        self._client_id = client_id
        self._client_secret = client_secret
        self._username = username
        self._password = password
        self._refresh_token = refresh_token
        self._scopes = scopes
        self._headers = dict(headers or {})
        self._verifier = Secret("")  # of the consent that is being asked for
        self.name = ""  # of the portal or connector, for `damlink login`
        self.custody: Custody = MemoryCustody()

    @property
    def rotates(self) -> bool:
        """Whether losing a renewed token could lock us out: there is nothing else to begin with."""
        return self._refresh_token is not None or self._login_only

    @property
    def account(self) -> str:
        """A digest of the credentials given: another one means another account's tokens. A person's are
        not those of the client itself, though both come from the same id and secret.
        """
        given = (self._client_secret, self._password, self._refresh_token)
        grant = "consent" if self._login_only else ""
        parts = [self.token_url, self._client_id, grant, self._username or "", *self._scopes]
        parts += [secret.reveal() if secret else "" for secret in given]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign with the token in custody; renew it first if it is old, and once after a 401."""
        token = self.custody.load()
        if token is None or not token.fresh:
            token = yield from self._renew(token, request)
        response = yield self._sign(request, token)
        if response.status_code == httpx.codes.UNAUTHORIZED and _is_unsigned(response):
            token = yield from self._renew(token, request)
            yield self._sign(request, token)

    def _sign(self, request: httpx.Request, token: Token) -> httpx.Request:
        for name, value in self._headers.items():
            request.headers[name] = value.reveal()
        request.headers["Authorization"] = f"Bearer {token.access.reveal()}"
        return request

    def _renew(
        self, stale: Token | None, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, Token]:
        began = age_clock()
        with self.custody.exclusive() as confirm, contextlib.ExitStack() as shield:
            credit(request, age_clock() - began)
            held = self.custody.load()
            if held is not None and held.fresh and (stale is None or held.access != stale.access):
                return held  # somebody else was faster
            refresh = (held.refresh if held else None) or self._refresh_token
            if refresh is None and self._login_only:
                raise self._no_consent(held)
            extensions = _extensions(request, confirm, shield)
            response = yield self._token_request(refresh, extensions)
            if refresh and response.status_code in (400, 401):
                if (newer := self._newer(held)) is not None:
                    return newer
                if not self.rotates:
                    refresh = None
                    response = yield self._token_request(None, extensions)
            return self.custody.replace(self._token(response, refresh, self._grant_hint(refresh)), held)

    def _no_consent(self, expired: Token | None) -> AuthError:
        if expired is None:
            return AuthError("nobody has given consent yet", hint=f"run {self._login}")
        hint = f"ask for the scope that gives one (`offline` at Bynder), then run {self._login}"
        return AuthError("the sign-in has ended, and it came without a refresh token", hint=hint)

    @property
    def _login(self) -> str:
        return f"`damlink login {self.name}`" if self.name else "`damlink login` with its name"

    def _grant_hint(self, refresh: Secret | None) -> str:
        """Return what to do where the other side refuses what was given for a token."""
        if refresh and self._login_only:
            return f"the consent has ended or was withdrawn: run {self._login}"
        if refresh:
            return "the refresh token has ended or was withdrawn: give a new one"
        if self._password:
            return "check the client id and secret, and the user name and password"
        return "check the client id and secret"

    def _newer(self, read: Token | None) -> Token | None:
        """Return the token of another process that was faster, if one was: ours was refused rightly then."""
        kept = self.custody.load()
        return kept if kept is not None and (read is None or kept.version != read.version) else None

    def consent_url(self, state: str) -> str:
        """Return where a person gives consent; the answer comes to `redirect_url` with this state.

        Source: RFC 7636 (PKCE): the code is of use only to the process that has asked for it.
        """
        self._verifier = Secret(secrets.token_urlsafe(VERIFIER_BYTES))
        digest = hashlib.sha256(self._verifier.reveal().encode()).digest()
        query = {
            "client_id": self._client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_url,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if self._scopes:
            query["scope"] = " ".join(self._scopes)
        return str(httpx.URL(self.authorize_url, params=query))

    def redeem(self, code: Secret, client: httpx.Client) -> Token:
        """Turn the code of a person's consent into a token, and keep it.

        Args:
            client: sends it within the pace, and signs nothing.

        Raises:
            AuthError: the other side does not take the code.
        """
        form = {} if self._basic else self._client_form()
        form |= {"grant_type": "authorization_code", "code": code.reveal(), "redirect_uri": self.redirect_url}
        form["code_verifier"] = self._verifier.reveal()
        headers = {name: value.reveal() for name, value in self._headers.items()} | self._client_header()
        marks = {ACCEPTED: range(400, 600)}
        response = client.request("POST", self.token_url, data=form, headers=headers, extensions=marks)
        hint = f"check the client id and secret and the redirect address, then run {self._login} again"
        token = self._token(response, None, hint)
        with self.custody.exclusive():
            self.custody.save(token)
        return token

    def _token_request(self, refresh: Secret | None, extensions: dict[str, Any]) -> httpx.Request:
        form = {} if self._basic else self._client_form()
        if refresh:
            form |= {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
        elif self._password:
            form |= {"grant_type": "password", "password": self._password.reveal()}
            form["username"] = self._username or ""
        else:
            form["grant_type"] = "client_credentials"
        if self._scopes and not refresh:
            form["scope"] = " ".join(self._scopes)
        headers = {name: value.reveal() for name, value in self._headers.items()}
        headers |= {"Accept": "application/json"} | self._client_header()
        return httpx.Request("POST", self.token_url, data=form, headers=headers, extensions=extensions)

    def _client_form(self) -> dict[str, str]:
        return {"client_id": self._client_id, "client_secret": self._client_secret.reveal()}

    def _client_header(self) -> dict[str, str]:
        """The client's id and secret as Basic credentials, if they are wanted so."""
        if not self._basic:
            return {}
        given = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret.reveal())}"
        encoded = Secret(base64.b64encode(given.encode()).decode())
        return {"Authorization": f"Basic {encoded.reveal()}"}

    def _token(self, response: httpx.Response, refresh: Secret | None, hint: str) -> Token:
        """Read a token endpoint's answer. One without a refresh token keeps the old one.

        Args:
            hint: what to do where it is a refusal.

        Source: RFC 6749, section 6: an answer to a renewal may leave it out; the old one then stays valid.
        """
        # not by `requires_response_body`, which would hold every download in memory
        read_answer(response, AnswerLimits())
        if (error := plugin_error(response)) is not None:
            raise error
        host = response.request.url.host
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
            message = f"{host} answered {status} to a token request"
            raise TransientError(message, retry_after=retry_after(response), status=status)
        answer = _object(response) if status < 400 else {}
        access = answer.get("access_token")
        if not isinstance(access, str) or not access:
            said = shorten_body(response) if status >= 400 else "the answer holds none"
            raise AuthError(f"{host} gave no token ({status}): {said}", hint=hint, status=status)
        lifetime = _seconds(answer.get("expires_in"))
        new_refresh = answer.get("refresh_token")
        margin = min(LONGEST_MARGIN_SECONDS, lifetime / 10)
        return Token(
            Secret(access), time.time() + lifetime - margin, Secret(new_refresh) if new_refresh else refresh
        )


def _is_unsigned(response: httpx.Response) -> bool:
    """Whether a 401 means that nothing was done, so that the request can be signed anew."""
    read_answer(response, AnswerLimits())
    return is_refused(response)


def _extensions(request: httpx.Request, confirm: Verify, shield: contextlib.ExitStack) -> dict[str, Any]:
    """Return what a token request takes over from the one that needs it, and its own last check.

    From the first byte on nothing may interrupt it: with an answer that nobody keeps, a refresh token
    that changes with each use would be lost.
    """
    names = ("timeout", ACCOUNT, PLUGIN_CLASSIFY)
    taken_over = {name: request.extensions[name] for name in names if name in request.extensions}
    return taken_over | {VERIFY: confirm, LEAVING: lambda: shield.enter_context(defer_signals())}


def _object(response: httpx.Response) -> Mapping[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(value: object) -> float:
    """A lifetime, which some give as text; an unreadable one counts as unsaid."""
    try:
        seconds = float(str(value))
    except ValueError:
        return DEFAULT_LIFETIME_SECONDS
    return seconds if 0 < seconds < LONGEST_LIFETIME_SECONDS else DEFAULT_LIFETIME_SECONDS
