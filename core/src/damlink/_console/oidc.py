"""Sign-in to the console at an OpenID Connect issuer: attempts bound to a browser, and roles by a claim."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from damlink._config.load import OidcTable
from damlink._config.tables import OidcConfig
from damlink._console.attempts import Attempts
from damlink._model import Finding
from damlink._run.session import Session
from damlink._state.users import Identity, Role
from damlink.errors import AuthError, ConfigError, DamlinkError

if TYPE_CHECKING:
    from damlink._http.oidc import Attempt, Issuer

__all__ = ["NoRoleError", "Oidc", "Person", "check_issuer"]

MOST_NAME: Final = 40
# No user of the command line has a colon in the name.
PREFIX: Final = "oidc:"
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._@-]")


class NoRoleError(AuthError):
    """A person is known, and has no role here."""

    def __init__(self, message: str, identity: Identity, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.identity = identity


@attrs.frozen
class Person:
    """A person who has signed in at the issuer, with the role that the claims give."""

    identity: Identity
    name: str
    role: Role


class Oidc:
    """Attempts to sign in at the issuer of `[console.oidc]`.

    Args:
        session: lends its config, secrets and clock.

    Raises:
        ConfigError: the library is missing that verifies tokens.
    """

    def __init__(self, session: Session, table: OidcTable) -> None:
        self._session, self._table = session, table
        self._issuer_class = _import_issuer(table.place)
        self._attempts: Attempts[Attempt] = Attempts(session.now, "open the console, and sign in again")

    @functools.cached_property
    def _settings(self) -> OidcConfig:
        return self._table.open(self._session.opener)

    @functools.cached_property
    def _issuer(self) -> Issuer:
        given = self._settings
        return self._issuer_class(given.issuer, given.client_id, given.client_secret, now=self._session.now)

    def begin(self, redirect_url: str) -> tuple[str, str]:
        """Return the secret that the browser keeps for this attempt, and the issuer's page.

        Raises:
            AuthError: the issuer cannot be used.
            ConfigError: the client's secret cannot be opened.
        """
        attempt = self._issuer.begin(redirect_url, self._settings.scopes)
        return self._attempts.begin(attempt.state, attempt), attempt.url

    def finish(self, browser: str, answer: Mapping[str, str]) -> Person:
        """Return who has signed in; an attempt can be finished once.

        Args:
            browser: the secret that the browser has kept.
            answer: the query that the issuer has sent by it.

        Raises:
            NoRoleError: the claims give no role.
            AuthError: the attempt is unknown, or what the issuer says cannot be believed.
        """
        attempt = self._attempts.take(browser, answer.get("state", ""))
        return _read_person(self._issuer.redeem(attempt, answer), self._settings)


def check_issuer(session: Session, table: OidcTable) -> Iterator[Finding]:
    """Check that the issuer of `[console.oidc]` answers, and that its documents can be used."""
    what = "settings"
    try:
        settings = table.open(session.opener)
        issuer_class = _import_issuer(table.place)
        yield Finding(what, f"client {settings.client_id}")
        what = "issuer"
        issuer = issuer_class(settings.issuer, settings.client_id, settings.client_secret, now=session.now)
        issuer.verify()
        yield Finding(what, f"{settings.issuer} answers, and its keys can be read")
    except DamlinkError as error:
        yield Finding.from_error(what, error)


def _import_issuer(place: str) -> type[Issuer]:
    # Here, because a console without an issuer needs none of it.
    try:
        from damlink._http.oidc import Issuer
    except ModuleNotFoundError as error:
        raise ConfigError(place, f"it needs {error.name}", hint="pip install 'damlink[console]'") from error
    return Issuer


def _read_person(claims: Mapping[str, Any], settings: OidcConfig) -> Person:
    identity = Identity(claims["iss"], claims["sub"])
    given = claims.get(settings.name_claim)
    name = given if isinstance(given, str) and given else identity.subject
    name = PREFIX + _NOT_IN_NAMES.sub("-", name)[:MOST_NAME]
    return Person(identity, name, _find_role(claims.get(settings.claim), settings, name, identity))


def _find_role(value: Any, settings: OidcConfig, name: str, identity: Identity) -> Role:
    """Return the highest role that a value of the claim gives; values are compared exactly."""
    claim = settings.claim
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        what = f"{name} has no role here: the ID token has no list of texts as {claim!r}"
        hint = "let the issuer add this claim to ID tokens, or set claim in [console.oidc]"
        raise NoRoleError(what, identity, hint=hint)
    wanted = {
        Role.ADMINISTRATOR: settings.administrators,
        Role.OPERATOR: settings.operators,
        Role.VIEWER: settings.viewers,
    }
    for role, values in wanted.items():
        if not set(values).isdisjoint(value):
            return role
    what = f"{name} has no role here: none of the {len(value)} values of {claim!r} is in [console.oidc]"
    hint = "add one to administrators, operators or viewers, or let the issuer add the person to a group"
    raise NoRoleError(what, identity, hint=hint)
