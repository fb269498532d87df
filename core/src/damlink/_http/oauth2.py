"""OAuth 2.0: requests signed with tokens that one process at a time renews."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Generator, Mapping
from typing import Any, Final
from urllib.parse import quote_plus

import attrs
import httpx

from damlink._http.outcome import ACCEPTED
from damlink._http.token import Token, read_token
from damlink._http.token_auth import CustodyAuth, open_secrets
from damlink._secret import Secret
from damlink.errors import AuthError, ConfigError

__all__ = ["Consent", "OAuth2"]

# RFC 7636 recommends at least 32.
VERIFIER_BYTES: Final = 48
# Fixed, because it must be registered at the other side.
REDIRECT_URL: Final = "http://localhost:8765/callback"


@attrs.frozen
class Consent:
    """What redeems the code that a person's consent brings, with the secret of the client.

    Attributes:
        verifier: of PKCE: only who asked for the consent knows it.
        redirect_url: the address that the code has come to.
    """

    verifier: Secret
    redirect_url: str


class OAuth2(CustodyAuth):
    """OAuth 2.0 with tokens in the core's custody: stored encrypted, renewed once for all threads
    and processes, and renewed again if the other side answers 401.

    The arguments decide the grant: a refresh token, a user name and password, or neither
    (client credentials). With an `authorize_url`, `damlink login` can obtain a token with a person's
    consent (authorization code); it is then renewed for as long as the other side permits.

    Args:
        token_url: the whole address of the token endpoint.
        refresh_token: the first one; later ones are stored in custody.
        scopes: the scopes to request; if empty the other side decides.
        headers: additional headers of every signed request, such as an API key.
        authorize_url: the page on which a person gives consent.
        redirect_url: where the answer to a consent goes, as registered at the other side.
        login_only: a person's consent is the only grant.
        basic: send the client's id and secret in a Basic header instead of the form.

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
        super().__init__(token_url, headers)
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
        # That which was asked for last.
        self.consent = Consent(Secret(""), redirect_url)

    @property
    def rotates(self) -> bool:
        """True if a lost refresh token could lock us out, because no other grant exists."""
        return self._refresh_token is not None or self._login_only

    @property
    def needs_consent(self) -> bool:
        """True if a person's consent can give the token, and no user name and no refresh token is set."""
        has_grant = self._username is not None or self._refresh_token is not None
        return bool(self.authorize_url) and (self._login_only or not has_grant)

    @property
    def account(self) -> str:
        """A digest of the credentials, under which the tokens are stored. Tokens from a person's consent
        are stored apart from those of the client, though both use the same id and secret.
        """
        given = (self._client_secret, self._password, self._refresh_token)
        grant = "consent" if self._login_only else ""
        parts = [self.token_url, self._client_id, grant, self._username or "", *self._scopes]
        parts += [secret.reveal() if secret else "" for secret in given]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def _sign(self, request: httpx.Request, token: Token) -> httpx.Request:
        request.headers.update(open_secrets(self._headers))
        request.headers["Authorization"] = f"Bearer {token.access.reveal()}"
        return request

    def _obtain(
        self, held: Token | None, extensions: dict[str, Any]
    ) -> Generator[httpx.Request, httpx.Response, Token]:
        refresh = (held.refresh if held else None) or self._refresh_token
        if refresh is None and self._login_only:
            raise self._no_consent(held)
        response = yield self._token_request(refresh, extensions)
        if refresh and response.status_code in (400, 401):
            if (newer := self._newer(held)) is not None:
                return newer
            if not self.rotates:
                refresh = None
                response = yield self._token_request(None, extensions)
        return self.custody.replace(read_token(response, refresh, self._grant_hint(refresh)), held)

    def _no_consent(self, expired: Token | None) -> AuthError:
        if expired is None:
            return AuthError("there is no consent yet", hint=f"run {self._login}")
        hint = f"ask for the scope that gives one (`offline` at Bynder), then run {self._login}"
        return AuthError("the sign-in has ended, and it came without a refresh token", hint=hint)

    @property
    def _login(self) -> str:
        return f"`damlink login {self.name}`" if self.name else "`damlink login` with its name"

    def _grant_hint(self, refresh: Secret | None) -> str:
        """Return the hint of the error if the other side refuses the grant."""
        if refresh and self._login_only:
            return f"the consent has ended or was withdrawn: run {self._login}"
        if refresh:
            return "the refresh token has ended or was withdrawn: give a new one"
        if self._password:
            return "check the client id and secret, and the user name and password"
        return "check the client id and secret"

    def _newer(self, read: Token | None) -> Token | None:
        """Return the token that another process has stored since, or `None`."""
        kept = self.custody.load()
        return kept if kept is not None and (read is None or kept.version != read.version) else None

    def consent_url(self, state: str, redirect_url: str = "") -> str:
        """Return the address at which a person gives consent.

        Args:
            redirect_url: the address that the answer comes to; that of this object if not given.

        Raises:
            ConfigError: it cannot be made of the values of this object.

        Source: RFC 7636 (PKCE): only the process that requested the code can use it.
        """
        verifier = Secret(secrets.token_urlsafe(VERIFIER_BYTES))
        self.consent = Consent(verifier, redirect_url or self.redirect_url)
        digest = hashlib.sha256(verifier.reveal().encode()).digest()
        query = {
            "client_id": self._client_id,
            "response_type": "code",
            "redirect_uri": self.consent.redirect_url,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if self._scopes:
            query["scope"] = " ".join(self._scopes)
        try:
            return str(httpx.URL(self.authorize_url, params=query))
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            what = f"{self.name or 'OAuth2'}: the consent page's address cannot be made: {error}"
            raise ConfigError(
                "", what, hint="check the client id and the address of the consent page"
            ) from error

    def redeem(self, code: Secret, client: httpx.Client) -> Token:
        """Exchange the code of a person's consent for a token, and store the token.

        Args:
            client: a client without authentication, within the rate limit.

        Raises:
            AuthError: the other side refuses the code.
        """
        form = self._client_form()
        form |= {"grant_type": "authorization_code", "code": code.reveal()}
        form |= {
            "redirect_uri": self.consent.redirect_url,
            "code_verifier": self.consent.verifier.reveal(),
        }
        marks = {ACCEPTED: range(400, 600)}
        response = client.request(
            "POST", self.token_url, data=form, headers=self._token_headers(), extensions=marks
        )
        hint = f"check the client id and secret and the redirect address, then run {self._login} again"
        token = read_token(response, None, hint)
        with self.custody.exclusive():
            self.custody.save(token)
        return token

    def _token_request(self, refresh: Secret | None, extensions: dict[str, Any]) -> httpx.Request:
        form = self._client_form()
        if refresh:
            form |= {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
        elif self._password:
            form |= {"grant_type": "password", "password": self._password.reveal()}
            form["username"] = self._username or ""
        else:
            form["grant_type"] = "client_credentials"
        if self._scopes and not refresh:
            form["scope"] = " ".join(self._scopes)
        headers = self._token_headers() | {"Accept": "application/json"}
        return httpx.Request("POST", self.token_url, data=form, headers=headers, extensions=extensions)

    def _client_form(self) -> dict[str, str]:
        """Return the client's id and secret as form fields, unless `basic` is set."""
        if self._basic:
            return {}
        return {"client_id": self._client_id, "client_secret": self._client_secret.reveal()}

    def _token_headers(self) -> dict[str, str]:
        """Return the given headers, and with `basic` the client's id and secret."""
        headers = open_secrets(self._headers)
        if self._basic:
            given = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret.reveal())}"
            # As a secret, so that the encoded form is redacted as well.
            encoded = Secret(base64.b64encode(given.encode()).decode())
            headers["Authorization"] = f"Basic {encoded.reveal()}"
        return headers
