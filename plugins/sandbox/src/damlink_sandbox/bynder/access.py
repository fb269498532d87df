"""Access control: users, profiles, tokens, and the two checks that every call passes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from damlink_sandbox.bynder.rights import ROLES, SCOPES, grantable_scopes
from damlink_sandbox.bynder.signatures import Signatures
from damlink_sandbox.mark import SECRET_MARK
from damlink_sandbox.router import Answer, Call, Refusal, Route, json_answer
from damlink_sandbox.world import Clock

__all__ = ["ROLES", "SCOPES", "Access", "Caller", "Client", "Grant", "Group", "Profile", "Token", "User"]


@attrs.define
class Profile:
    """A security profile: the roles its users have."""

    id: str
    name: str
    roles: set[str]


@attrs.define
class Group:
    """A group of users in the asset bank."""

    id: str
    name: str


@attrs.define
class User:
    """A person or an integration.

    Attributes:
        details: whatever else is known, in Bynder's own names.
    """

    id: str
    username: str
    first_name: str
    last_name: str
    profile_id: str
    email: str = attrs.field(default=attrs.Factory(lambda self: self.username, takes_self=True))
    is_active: bool = True
    is_sso_only: bool = False
    group_ids: tuple[str, ...] = ()
    details: dict[str, str] = attrs.field(factory=dict)

    @property
    def name(self) -> str:
        """As assets show it."""
        return f"{self.first_name} {self.last_name}"


@attrs.define
class Token:
    """A bearer token; `expires` in seconds since 1970, `None` for a permanent one."""

    user_id: str
    scopes: frozenset[str]
    expires: float | None = None


@attrs.define
class Client:
    """A registered OAuth 2.0 application; `user_id` is whom client credentials act as."""

    id: str
    secret: str
    user_id: str
    scopes: frozenset[str]
    redirects: tuple[str, ...]


@attrs.frozen
class Grant:
    """An authorization code or a refresh token: what it may be exchanged for, until when, and by whom."""

    client_id: str
    user_id: str
    scopes: frozenset[str]
    redirect: str = ""
    challenge: str = ""
    expires: float | None = None


@attrs.frozen
class RequestToken:
    """A request token of OAuth 1.0a; `verifier` is what a person's consent gives."""

    secret: str
    callback: str
    verifier: str


@attrs.frozen
class Caller:
    """The user behind a call, with the rights of the call."""

    user: User
    scopes: frozenset[str]
    roles: frozenset[str]


def _make_secret(new_hex: Callable[[int], str], count: int) -> str:
    """Return a new secret of so many digits, with the mark of secrets."""
    return SECRET_MARK + new_hex(count - len(SECRET_MARK))


class Access:
    """Users, profiles, tokens and grants of one portal.

    Attributes:
        permanent: the permanent token.
        lifetime: of access tokens, seconds.
        rotates: whether a refresh also answers a new refresh token and ends the old one.
        revoked: whether the permanent token is refused.
        signatures: what OAuth 1.0a requests are verified with.
        oauth1_secrets: of OAuth 1.0a tokens, by key; `oauth1_users` is whom they act for.
        oauth1_token: the one that is there from the start.
        oauth1_requests: request tokens, by key; `oauth1_agreed` are those a person has agreed to.
    """

    def __init__(
        self,
        clock: Clock,
        new_id: Callable[[], str],
        new_uuid: Callable[[], str],
        new_hex: Callable[[int], str],
    ) -> None:
        self._clock = clock
        self.new_hex = functools.partial(_make_secret, new_hex)
        profile = Profile(new_id(), "Integration", set(ROLES))
        light = Profile(new_id(), "Light user", {"MEDIAOVERVIEW", "MEDIADOWNLOAD"})
        self.user = User(new_id(), "integration@portal.example", "Ina", "Integration", profile.id)
        self.users = {self.user.id: self.user}
        self.profiles = {profile.id: profile, light.id: light}
        self.permanent = self.new_hex(64)
        redirects = ("http://localhost:8765/callback", "http://127.0.0.1:8765/callback")
        self.client = Client(new_uuid(), self.new_hex(32), self.user.id, SCOPES, redirects)
        self.tokens = {self.permanent: Token(self.user.id, SCOPES)}
        self.challenges: dict[str, tuple[Grant, str]] = {}
        self.codes: dict[str, Grant] = {}
        self.refreshes: dict[str, Grant] = {}
        self.lifetime = 3600.0
        self.rotates = self.revoked = False
        self.groups = {
            group.id: group for group in (Group(new_id(), "Designers"), Group(new_id(), "Editors"))
        }
        self.signatures = Signatures(new_id(), self.new_hex(32))
        self.oauth1_secrets: dict[str, str] = {}
        self.oauth1_users: dict[str, str] = {}
        self.oauth1_requests: dict[str, RequestToken] = {}
        self.oauth1_agreed: set[str] = set()
        self.oauth1_token = self.add_oauth1_token(new_id(), self.user.id)

    @property
    def own_profile(self) -> Profile:
        """The profile of the user behind the tokens that are there from the start."""
        return self.profiles[self.user.profile_id]

    def add_oauth1_token(self, key: str, user_id: str) -> str:
        """Add an OAuth 1.0a token and return its key."""
        self.oauth1_secrets[key], self.oauth1_users[key] = self.new_hex(32), user_id
        return key

    def caller(self, call: Call) -> Caller | None:
        """Return the caller; `None` for an unknown, revoked or expired token, or a wrong signature.

        Raises:
            Refusal: 403: the user behind the token is gone or inactive (Bynder/bynder-python-sdk#45).
        """
        token = self._token(call)
        if token is None or (token.expires is not None and token.expires <= self._clock.seconds()):
            return None
        user = self.users.get(token.user_id)
        if user is None or not user.is_active:
            raise missing_right(call.path)
        return Caller(user, token.scopes, frozenset(self.profiles[user.profile_id].roles))

    def _token(self, call: Call) -> Token | None:
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "oauth":
            signed = self.signatures.verify(call, self.oauth1_secrets)
            # OAuth 1.0a knows no scopes
            return Token(self.oauth1_users[signed.token], SCOPES) if signed else None
        if scheme.lower() != "bearer" or (self.revoked and value.strip() == self.permanent):
            return None
        return self.tokens.get(value.strip())

    def grantable(self, user_id: str) -> frozenset[str]:
        """Return the scopes that the application can be granted for a user.

        Source: Bynder's help, "OAuth scopes".
        """
        user = self.users.get(user_id)
        roles = self.profiles[user.profile_id].roles if user and user.is_active else ()
        return grantable_scopes(self.client.scopes, roles)

    def issue(self, user_id: str, scopes: frozenset[str]) -> str:
        """Return a new access token; it looks like a JWT."""
        value = f"eyJ{self.new_hex(30)}.eyJ{self.new_hex(60)}.{self.new_hex(40)}"
        self.tokens[value] = Token(user_id, scopes, self._clock.seconds() + self.lifetime)
        return value

    def issue_permanent(self, user_id: str, scopes: Iterable[str]) -> str:
        """Add a permanent token, bound to a user and to scopes, and return it. Source: Bynder's help on
        them.
        """
        value = self.new_hex(64)
        self.tokens[value] = Token(user_id, frozenset(scopes))
        return value

    def expire_all(self) -> None:
        """End every token that can expire."""
        for token in self.tokens.values():
            token.expires = None if token.expires is None else 0.0

    def set_scopes(self, scopes: Iterable[str]) -> None:
        """Bind every token there is, and the application, to these scopes."""
        self.client.scopes = frozenset(scopes)
        for token in self.tokens.values():
            token.scopes = frozenset(scopes)


def check(access: Access, route: Route[Any], call: Call) -> None:
    """Check the token, then its scopes, then the roles of its user.

    Source: Bynder's help, "OAuth scopes"; the roles named by its published definitions.

    Raises:
        Refusal: 401, or 403.
    """
    if route.open:
        return
    call.caller = access.caller(call)
    if call.caller is None:
        raise no_valid_token()
    if route.scopes and not route.scopes & call.caller.scopes:
        raise missing_right(call.path)
    if route.roles:
        need(call, *route.roles)


def need(call: Call, *roles: str) -> None:
    """Demand any of these roles.

    Raises:
        Refusal: 403.
    """
    if not call.caller.roles & set(roles):
        raise missing_right(call.path)


def no_valid_token() -> Refusal:
    """Source: Bynder's published definition of security profiles."""
    return Refusal(Answer(401, b"Invalid or expired token.", "text/plain"))


def missing_right(path: str = "") -> Refusal:
    """Return the answer to a call at this path where a right is missing: `{}` in workflow.

    Source: Bynder's published definitions.
    """
    if path.startswith(("/api/workflow/", "/workflow-jobs/")):
        return Refusal(json_answer(403, {}))
    return Refusal(json_answer(403, {"message": "Access denied", "statuscode": "403"}))
