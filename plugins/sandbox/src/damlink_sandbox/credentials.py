"""Credentials that a stand-in asks for: a key, a user with a password, a token by OAuth 2.0 or by a login."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, Protocol, Self
from urllib.parse import unquote_plus

import attrs
from starlette.responses import JSONResponse

from damlink_sandbox.application import Refusal
from damlink_sandbox.call import Call
from damlink_sandbox.mark import SECRET_MARK
from damlink_sandbox.world import Clock

__all__ = ["Credentials", "Key", "NoCredentials", "OAuthServer", "TokenServer", "UserPassword"]

_UNAUTHORIZED = {"error": "unauthorized", "message": "the credentials are missing, wrong or have ended"}


class Credentials(Protocol):
    """Credentials that a stand-in asks of each call that is not open."""

    def copy_for(self, clock: Clock, name: str) -> Self:
        """Return credentials of one stand-in, with its clock and its name."""

    def verify(self, call: Call) -> None:
        """Raise a `Refusal` unless the call shows them."""

    def revoke(self) -> None:
        """Refuse them from now on."""

    def settings(self, origin: str) -> Mapping[str, Any]:
        """Return the connector's settings for them; `origin` is the stand-in's address."""

    def secrets(self) -> Iterable[str]:
        """Return the names of those settings that are secrets."""

    def routes(self) -> Mapping[str, Callable[[Call], Any]]:
        """Return calls that they answer themselves, such as for a token."""


def refuse_credentials() -> Refusal:
    """Return the refusal of a call without the right credentials."""
    return Refusal(JSONResponse(_UNAUTHORIZED, 401))


@attrs.define
class NoCredentials:
    """No credentials: every call is answered, until a revocation."""

    revoked: bool = attrs.field(default=False, kw_only=True)

    def copy_for(self, clock: Clock, name: str) -> Self:  # noqa: ARG002 - of the protocol
        """Return a copy."""
        return attrs.evolve(self)

    def verify(self, call: Call) -> None:
        """Raise the refusal of a call that does not fit."""
        if self.revoked or not self.fits(call):
            raise refuse_credentials()

    def fits(self, call: Call) -> bool:  # noqa: ARG002 - of the protocol
        """Return whether a call shows the credentials."""
        return True

    def revoke(self) -> None:
        """Refuse every call from now on."""
        self.revoked = True

    def settings(self, origin: str) -> Mapping[str, Any]:  # noqa: ARG002 - of the protocol
        """Return no setting."""
        return {}

    def secrets(self) -> Iterable[str]:
        """Return no name."""
        return ()

    def routes(self) -> Mapping[str, Callable[[Call], Any]]:
        """Return no call."""
        return {}


@attrs.define
class Key(NoCredentials):
    """A key in a header, a query parameter or a cookie.

    Attributes:
        name: of the header, the parameter or the cookie.
        setting: the connector's setting that holds the key.
        place: `header`, `query` or `cookie`.
        prefix: text before the key, such as `Bearer `.
    """

    name: str = "Authorization"
    setting: str = "api_key"
    place: str = attrs.field(default="header", validator=attrs.validators.in_(("header", "query", "cookie")))
    prefix: str = ""
    value: str = f"sandbox-key-{SECRET_MARK}"

    def fits(self, call: Call) -> bool:
        """Return whether the key is in its place."""
        return self._read_key(call) == f"{self.prefix}{self.value}"

    def _read_key(self, call: Call) -> str | None:
        if self.place == "query":
            return call.query.get(self.name)
        if self.place == "header":
            return call.headers.get(self.name)
        pairs = (pair.strip().partition("=") for pair in call.headers.get("cookie", "").split(";"))
        return next((value for name, _, value in pairs if name == self.name), None)

    def settings(self, origin: str) -> Mapping[str, Any]:  # noqa: ARG002 - of the protocol
        """Return the key's setting."""
        return {self.setting: self.value}

    def secrets(self) -> Iterable[str]:
        """Return the key's setting."""
        return (self.setting,)


@attrs.define
class UserPassword(NoCredentials):
    """A user name and a password in a Basic header, in the settings `username` and `password`."""

    username: str = "sandbox-user"
    password: str = f"sandbox-password-{SECRET_MARK}"

    def fits(self, call: Call) -> bool:
        """Return whether the header holds both."""
        return basic_pair(call) == (self.username, self.password)

    def settings(self, origin: str) -> Mapping[str, Any]:  # noqa: ARG002 - of the protocol
        """Return both settings."""
        return {"username": self.username, "password": self.password}

    def secrets(self) -> Iterable[str]:
        """Return the password's setting."""
        return ("password",)


def basic_pair(call: Call) -> tuple[str, str]:
    """Return user name and password of a Basic header; empty ones if there is none."""
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password


@attrs.define
class OAuthServer(NoCredentials):
    """OAuth 2.0: bearer tokens, from a token endpoint of its own at `path`.

    It grants client credentials; with a `username` the password grant, with a `refresh_token` that grant, and
    then no longer the client's alone. The connector's settings are `client_id`, `client_secret` and
    `token_url`, and those of the grant.

    Attributes:
        lifetime: seconds that a token lasts, by the sandbox's clock.
        rotates: each renewal brings another refresh token, and ends the one before.

    Source: RFC 6749, sections 4.3, 4.4, 5.2 and 6.
    """

    path: str = "/oauth/token"
    client_id: str = "sandbox-client"
    client_secret: str = f"sandbox-client-secret-{SECRET_MARK}"
    username: str = ""
    password: str = f"sandbox-password-{SECRET_MARK}"
    refresh_token: str = ""
    lifetime: float = 3600.0
    rotates: bool = False
    _tokens: dict[str, float] = attrs.field(factory=dict, init=False)
    _refresh: str = attrs.field(default="", init=False)
    _issued: int = attrs.field(default=0, init=False)
    _clock: Clock = attrs.field(factory=Clock, init=False)
    _seed: str = attrs.field(default="", init=False)

    def copy_for(self, clock: Clock, name: str) -> Self:
        """Return an authorization server of one stand-in, without tokens."""
        copy = attrs.evolve(self)
        copy._clock, copy._seed, copy._refresh = clock, name, self.refresh_token
        return copy

    def fits(self, call: Call) -> bool:
        """Return whether the call has a bearer token that has not ended."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._tokens.get(token, 0.0) > self._clock.seconds()

    def expire(self) -> None:
        """End all access tokens."""
        self._tokens.clear()

    def settings(self, origin: str) -> Mapping[str, Any]:
        """Return the settings of the grant."""
        given = {"client_id": self.client_id, "client_secret": self.client_secret}
        given |= {"token_url": f"{origin}{self.path}"}
        given |= {"username": self.username, "password": self.password} if self.username else {}
        return given | ({"refresh_token": self._refresh} if self._refresh else {})

    def secrets(self) -> Iterable[str]:
        """Return the client's secret, and those of the grant."""
        secret = {"client_secret", "password", "refresh_token"}
        return [name for name in self.settings("") if name in secret]

    def routes(self) -> Mapping[str, Callable[[Call], Any]]:
        """Return the token endpoint."""
        return {f"POST {self.path}": self._grant}

    def _grant(self, call: Call) -> Any:
        fields = call.fields
        given = fields.get("client_id", ""), fields.get("client_secret", "")
        basic = tuple(unquote_plus(part) for part in basic_pair(call))
        if (self.client_id, self.client_secret) not in (given, basic) or self.revoked:
            raise _token_error(401, "invalid_client")
        grant = fields.get("grant_type")
        if grant == "refresh_token" and fields.get("refresh_token") == self._refresh != "":
            return self._issue()
        if grant == "password" and self._is_user(fields):
            return self._issue()
        if grant == "client_credentials" and not (self.username or self.refresh_token):
            return self._issue()
        known = ("refresh_token", "password", "client_credentials")
        raise _token_error(400, "invalid_grant" if grant in known else "unsupported_grant_type")

    def _is_user(self, fields: Mapping[str, Any]) -> bool:
        shown = (fields.get("username"), fields.get("password"))
        return bool(self.username) and shown == (self.username, self.password)

    def _issue(self) -> dict[str, Any]:
        token = self._new_token()
        self._tokens[token] = self._clock.seconds() + self.lifetime
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": int(self.lifetime)}
        if self._refresh and self.rotates:
            self._refresh = self._new_token()
            answer["refresh_token"] = self._refresh
        return answer

    def _new_token(self) -> str:
        self._issued += 1
        return SECRET_MARK + sha256(f"{self._seed}/{self._issued}".encode()).hexdigest()


@attrs.define
class TokenServer(NoCredentials):
    """Tokens by a login of the partner's own form: a `POST` of JSON or of a form at `path`.

    The connector's settings are `client_id`, `client_secret` and `token_url`. The login has both values in
    its fields; its answer has the token, and the seconds that it lasts.

    Attributes:
        lifetime: seconds that a token lasts, by the sandbox's clock.
        fields: names of the fields with the client's id and its secret.
        answers: names of the fields of the answer with the token and its seconds.
        header: of the calls that show the token.
        prefix: text before the token in that header.
        is_single: only the last token is valid, as of a session.
    """

    path: str = "/auth/token"
    client_id: str = "sandbox-client"
    client_secret: str = f"sandbox-client-secret-{SECRET_MARK}"
    lifetime: float = 900.0
    fields: tuple[str, str] = ("client_id", "client_secret")
    answers: tuple[str, str] = ("token", "expires_in")
    header: str = "Authorization"
    prefix: str = "Bearer "
    is_single: bool = False
    _tokens: dict[str, float] = attrs.field(factory=dict, init=False)
    _issued: int = attrs.field(default=0, init=False)
    _clock: Clock = attrs.field(factory=Clock, init=False)
    _seed: str = attrs.field(default="", init=False)

    def copy_for(self, clock: Clock, name: str) -> Self:
        """Return a server of one stand-in, without tokens."""
        copy = attrs.evolve(self)
        copy._clock, copy._seed = clock, name
        return copy

    def fits(self, call: Call) -> bool:
        """Return whether the call shows a token that has not ended."""
        shown = call.headers.get(self.header, "")
        token = shown.removeprefix(self.prefix)
        return shown.startswith(self.prefix) and self._tokens.get(token, 0.0) > self._clock.seconds()

    def expire(self) -> None:
        """End all tokens."""
        self._tokens.clear()

    def settings(self, origin: str) -> Mapping[str, Any]:
        """Return the client's settings, and the address of the login."""
        given = {"client_id": self.client_id, "client_secret": self.client_secret}
        return given | {"token_url": f"{origin}{self.path}"}

    def secrets(self) -> Iterable[str]:
        """Return the setting of the client's secret."""
        return ("client_secret",)

    def routes(self) -> Mapping[str, Callable[[Call], Any]]:
        """Return the login."""
        return {f"POST {self.path}": self._log_in}

    def _log_in(self, call: Call) -> Any:
        given = tuple(call.fields.get(name) for name in self.fields)
        if given != (self.client_id, self.client_secret) or self.revoked:
            raise refuse_credentials()
        if self.is_single:
            self._tokens.clear()
        self._issued += 1
        token = SECRET_MARK + sha256(f"{self._seed}/{self._issued}".encode()).hexdigest()
        self._tokens[token] = self._clock.seconds() + self.lifetime
        return dict(zip(self.answers, (token, self.lifetime), strict=True))


def _token_error(status: int, error: str) -> Refusal:
    return Refusal(JSONResponse({"error": error, "error_description": "see RFC 6749, section 5.2"}, status))
