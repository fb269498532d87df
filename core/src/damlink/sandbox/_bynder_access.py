"""Who may do what: users, profiles, tokens, and the two checks that every call passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from damlink.sandbox._router import Answer, Call, Refusal, Route, json_answer
from damlink.sandbox._world import Clock

SCOPES = frozenset(
    """
    offline asset:read asset:write asset.usage:read asset.usage:write collection:read collection:write
    meta.assetbank:read meta.assetbank:write meta.workflow:read current.user:read current.profile:read
    admin.user:read admin.user:write admin.profile:read workflow.campaign:read workflow.campaign:write
    workflow.group:read workflow.group:write workflow.job:read workflow.job:write workflow.job:approve
    workflow.preset:read brandstore.order:read brandstore.order:write analytics.api:read
    antivirus.asset.audit:read antivirus.asset.audit:write webhooks.config:read webhooks.config:write
    """.split()  # noqa: SIM905 - a list of words reads better as words
)  # reference 1.4
ROLES = frozenset(
    """
    MEDIAUPLOAD MEDIAUPLOADFORAPPROVAL MEDIAEDIT MEDIAREMOVE MARKPUBLIC MEDIAHIGHRES ARCHIVEMEDIA
    ARCHIVEDOWNLOAD DOWNLOADWATERMARK KEYVISUALSDOWNLOAD STATISTICS METAPROPERTYMANAGEMENT METAMANAGEMENT
    COLLECTIONS SHARECOLLECTION USERMANAGEMENT GROUPMANAGEMENT PERMISSIONMANAGEMENT trash.assets
    metaproperty.view MEDIADOWNLOAD MEDIAOVERVIEW
    """.split()  # noqa: SIM905 - as above
)  # reference 1.5


@attrs.define
class Profile:
    """A security profile: the roles its users have."""

    id: str
    name: str
    roles: set[str]


@attrs.define
class User:
    """A person or an integration."""

    id: str
    username: str
    first_name: str
    last_name: str
    profile_id: str

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
    """An authorization code or a refresh token: what it may be exchanged for."""

    client_id: str
    user_id: str
    scopes: frozenset[str]
    redirect: str = ""


@attrs.frozen
class Caller:
    """Who is behind a call, and with which rights."""

    user: User
    scopes: frozenset[str]
    roles: frozenset[str]


class Access:
    """Users, profiles, tokens and OAuth grants of one portal.

    Attributes:
        permanent: the permanent token.
        lifetime: of access tokens, seconds.
        rotates: whether a refresh also answers a new refresh token and ends the old one.
        revoked: whether the permanent token is refused.
    """

    def __init__(
        self,
        clock: Clock,
        new_id: Callable[[], str],
        new_uuid: Callable[[], str],
        new_hex: Callable[[int], str],
    ) -> None:
        self._clock = clock
        self.new_hex = new_hex
        profile = Profile(new_id(), "Integration", set(ROLES))
        light = Profile(new_id(), "Light user", {"MEDIAOVERVIEW", "MEDIADOWNLOAD"})
        self.user = User(new_id(), "integration@portal.example", "Ina", "Integration", profile.id)
        self.users = {self.user.id: self.user}
        self.profiles = {profile.id: profile, light.id: light}
        self.permanent = new_hex(64)
        redirects = ("http://localhost:8765/callback", "http://127.0.0.1:8765/callback")
        self.client = Client(new_uuid(), new_uuid(), self.user.id, SCOPES, redirects)
        self.tokens = {self.permanent: Token(self.user.id, SCOPES)}
        self.challenges: dict[str, tuple[Grant, str]] = {}
        self.codes: dict[str, Grant] = {}
        self.refreshes: dict[str, Grant] = {}
        self.lifetime = 3600.0
        self.rotates = self.revoked = False

    @property
    def own_profile(self) -> Profile:
        """The profile of the one user there is."""
        return self.profiles[self.user.profile_id]

    def caller(self, authorization: str) -> Caller | None:
        """Who calls with this header; `None` for an unknown, revoked or expired token."""
        scheme, _, value = authorization.partition(" ")
        token = self.tokens.get(value.strip()) if scheme.lower() == "bearer" else None
        if token is None or (self.revoked and value.strip() == self.permanent):
            return None
        if token.expires is not None and token.expires <= self._clock.seconds():
            return None
        user = self.users[token.user_id]
        return Caller(user, token.scopes, frozenset(self.profiles[user.profile_id].roles))

    def issue(self, user_id: str, scopes: frozenset[str]) -> str:
        """A new access token; it looks like a JWT."""
        value = f"eyJ{self.new_hex(30)}.eyJ{self.new_hex(60)}.{self.new_hex(40)}"
        self.tokens[value] = Token(user_id, scopes, self._clock.seconds() + self.lifetime)
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
    """The token, then its scopes, then the roles of its user. Source: reference 1.3, 1.7.

    Raises:
        Refusal: 401, or 403.
    """
    if route.open:
        return
    call.caller = access.caller(call.headers.get("authorization", ""))
    if call.caller is None:
        raise Refusal(Answer(401, b"Invalid or expired token.", "text/plain"))
    if route.scopes and not route.scopes & call.caller.scopes:
        raise denied()
    if route.roles:
        need(call, *route.roles)


def need(call: Call, *roles: str) -> None:
    """Demand any of these roles.

    Raises:
        Refusal: 403.
    """
    if not call.caller.roles & set(roles):
        raise denied()


def denied() -> Refusal:
    """Source: reference 1.7."""
    return Refusal(json_answer(403, {"message": "Access denied", "statuscode": "403"}))
