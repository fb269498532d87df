"""Sign-in by an OpenID Connect issuer: discovery, authorization code with PKCE, verified ID token."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote_plus

import attrs
import httpx

from damlink._config.address import address_problem
from damlink._http.fetch import fetch, post_form
from damlink._http.id_token import UnknownKeyError, parse_object, read_keys, verify_claims
from damlink._secret import Secret
from damlink.errors import AuthError, ConnectorError, TransientError

__all__ = ["Attempt", "Issuer"]

T = TypeVar("T")

WELL_KNOWN: Final = "/.well-known/openid-configuration"
MOST_BYTES: Final = 256 * 1024  # of each document
SECONDS: Final = 10.0  # for each document
KEPT: Final = timedelta(hours=1)  # a document is used so long
# A token with an unknown key, or an issuer that fails, causes no more requests than one in this time.
PAUSE: Final = timedelta(seconds=10)
# RFC 6749, sections 4.1.2.1 and 5.2, and OpenID Connect Core 1.0, section 3.1.2.6. Another text of the
# issuer is not repeated: it may hold anything.
ERRORS: Final = (
    *("invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "unauthorized_client"),
    *("unsupported_grant_type", "unsupported_response_type", "access_denied", "server_error"),
    *("temporarily_unavailable", "interaction_required", "login_required", "consent_required"),
)


@attrs.frozen
class Attempt:
    """One sign-in that has begun.

    Attributes:
        url: the issuer's page, with the parameters of the request.
        state: comes back with the code.
        nonce: stands in the ID token.
        verifier: proves that the code was requested here (PKCE).
        redirect_url: where the code comes back to.
    """

    url: str = attrs.field(repr=False)
    state: str = attrs.field(repr=False)
    nonce: str = attrs.field(repr=False)
    verifier: str = attrs.field(repr=False)
    redirect_url: str


@attrs.frozen
class _Discovered:
    authorize_url: str
    token_url: str
    keys_url: str
    sends_secret_in_form: bool
    names_itself: bool


class Issuer:
    """An OpenID Connect issuer, its documents kept for an hour.

    Args:
        issuer: its address, exactly as its discovery document says it.
        now: the clock.
    """

    def __init__(
        self, issuer: str, client_id: str, client_secret: Secret, *, now: Callable[[], datetime]
    ) -> None:
        self.issuer = issuer
        self._client_id, self._client_secret, self._now = client_id, client_secret, now
        self._lock = threading.Lock()
        self._discovered = _Kept(now, self._discover)
        self._keys = _Kept(now, lambda: read_keys(self._fetch(self._discovered.read().keys_url)))

    def begin(self, redirect_url: str, scopes: tuple[str, ...]) -> Attempt:
        """Return a new attempt; a browser continues it at the attempt's `url`.

        Raises:
            AuthError: the issuer does not answer, or its documents cannot be used.

        Source: OpenID Connect Core 1.0, section 3.1.2.1; RFC 7636, section 4.3.
        """
        with self._lock:
            address = self._discovered.read().authorize_url
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_url,
            "scope": " ".join(dict.fromkeys(("openid", *scopes))),
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return Attempt(str(httpx.URL(address).copy_merge_params(query)), state, nonce, verifier, redirect_url)

    def verify(self) -> None:
        """Verify that the issuer answers, and that its documents can be used. No one signs in.

        Raises:
            AuthError: they cannot.
        """
        with self._lock:
            self._keys.renew()

    def redeem(self, attempt: Attempt, answer: Mapping[str, str]) -> Mapping[str, Any]:
        """Exchange the code of an answer for an ID token, and return its verified claims.

        Args:
            answer: the query with which the browser comes back.

        Raises:
            AuthError: the issuer or the person refuses, or an answer cannot be believed.

        Source: OpenID Connect Core 1.0, sections 3.1.2.5 to 3.1.3.7; RFC 9207, section 2.4.
        """
        with self._lock:
            discovered = self._discovered.read()
        self._verify_sender(answer, discovered)
        if "error" in answer or not answer.get("code"):
            said = _known_error(answer.get("error"))
            hint = "sign in again; if it goes on, look into the log of the issuer"
            raise AuthError(f"the issuer has sent no code{said}", hint=hint)
        token = self._exchange(attempt, answer["code"], discovered)
        claims = self._verify_signature(token)
        return verify_claims(
            claims,
            issuer=self.issuer,
            client_id=self._client_id,
            nonce=attempt.nonce,
            now=self._now().timestamp(),
        )

    def _verify_sender(self, answer: Mapping[str, str], discovered: _Discovered) -> None:
        sender = answer.get("iss")
        if sender != self.issuer and (sender is not None or discovered.names_itself):
            raise AuthError("the answer comes from another issuer (iss)", hint="sign in again")

    def _verify_signature(self, token: str) -> dict[str, Any]:
        with self._lock:
            keys = self._keys.read()
        try:
            return keys.verify(token)
        except UnknownKeyError:
            with self._lock:
                newer = self._keys.renew()
            return newer.verify(token)

    def _discover(self) -> _Discovered:
        """Return the discovery document.

        Source: OpenID Connect Discovery 1.0, sections 3 and 4.
        """
        document = self._fetch(self.issuer.rstrip("/") + WELL_KNOWN)
        if document.get("issuer") != self.issuer:
            hint = "write issuer in [console.oidc] exactly as the document at its address has it"
            raise AuthError("the discovery document is of another issuer", hint=hint)
        methods = document.get("token_endpoint_auth_methods_supported")
        in_form = isinstance(methods, list) and "client_secret_basic" not in methods
        return _Discovered(
            authorize_url=self._read_address(document, "authorization_endpoint"),
            token_url=self._read_address(document, "token_endpoint"),
            keys_url=self._read_address(document, "jwks_uri"),
            sends_secret_in_form=in_form,
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _read_address(self, document: Mapping[str, Any], name: str) -> str:
        address = document.get(name)
        is_encrypted = isinstance(address, str) and address.startswith("https://")
        if not isinstance(address, str) or address_problem(address) or not (is_encrypted or self._is_local):
            hint = "correct the discovery document of the issuer"
            raise AuthError(f"the discovery document has no https address as {name}", hint=hint)
        return address

    @property
    def _is_local(self) -> bool:
        return self.issuer.startswith("http://")

    def _exchange(self, attempt: Attempt, code: str, discovered: _Discovered) -> str:
        """Return the ID token that the issuer gives for a code.

        Source: RFC 6749, sections 2.3.1 and 4.1.3.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_url,
            "code_verifier": attempt.verifier,
        }
        headers = {"Accept": "application/json"}
        if discovered.sends_secret_in_form:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret.reveal()}
        else:
            given = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret.reveal())}"
            headers["Authorization"] = f"Basic {base64.b64encode(given.encode()).decode()}"
        with _naming("the token endpoint of the issuer"):
            status, body = post_form(
                discovered.token_url, form, headers=headers, most_bytes=MOST_BYTES, seconds=SECONDS
            )
        return _read_token(status, body)

    def _fetch(self, address: str) -> dict[str, Any]:
        with _naming("the issuer"):
            body = fetch(address, most_bytes=MOST_BYTES, seconds=SECONDS)
        document = parse_object(body)
        if document is None:
            hint = "check issuer in [console.oidc]; it is not the address of a sign-in page"
            raise AuthError(f"{httpx.URL(address).host} sends no JSON document", hint=hint)
        return document


def _read_token(status: int, body: bytes) -> str:
    document = parse_object(body) or {}
    token = document.get("id_token")
    if status == httpx.codes.OK and isinstance(token, str):
        return token
    said = _known_error(document.get("error"))
    hint = "check client_id, client_secret, and that the redirect address is registered at the issuer"
    raise AuthError(
        f"the token endpoint of the issuer answered {status} without an ID token{said}", hint=hint
    )


def _known_error(error: object) -> str:
    return f": {error}" if error in ERRORS else ""


@contextlib.contextmanager
def _naming(what: str) -> Iterator[None]:
    """Raise the failure of a request with what failed, and what to do."""
    try:
        yield
    except TransientError as error:
        hint = "try again; if it goes on, look whether this machine reaches the issuer"
        raise AuthError(f"{what} cannot be used: {error.args[0]}", hint=hint) from error
    except ConnectorError as error:
        hint = "check issuer in [console.oidc]"
        raise AuthError(f"{what} cannot be used: {error.args[0]}", hint=hint) from error


@attrs.define
class _Kept(Generic[T]):
    """A document that is fetched again after an hour, and seldom when it fails or is renewed."""

    _now: Callable[[], datetime]
    _make: Callable[[], T]
    _value: T | None = None
    _fetched_at: datetime | None = None
    _renewed_at: datetime | None = None
    _failed_at: datetime | None = None
    _error: AuthError = attrs.field(factory=lambda: AuthError(""))

    def read(self) -> T:
        """Return the document."""
        if self._value is not None and self._is_within(self._fetched_at, KEPT):
            return self._value
        return self._fetch()

    def renew(self) -> T:
        """Return the document, fetched again unless that was done a moment ago."""
        if self._value is not None and self._is_within(self._renewed_at, PAUSE):
            return self._value
        self._renewed_at = self._now()
        return self._fetch()

    def _fetch(self) -> T:
        if self._is_within(self._failed_at, PAUSE):
            raise AuthError(str(self._error.args[0]), hint=self._error.hint)
        began = self._now()
        try:
            self._value = self._make()
        except AuthError as error:
            self._failed_at, self._error = began, error
            raise
        self._fetched_at = began
        return self._value

    def _is_within(self, moment: datetime | None, span: timedelta) -> bool:
        # A clock that was set back makes an age negative: fetch again.
        return moment is not None and timedelta(0) <= self._now() - moment < span
