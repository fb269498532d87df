"""Sessions of the console, begun by a link that works once, a password or an issuer; and tokens."""

from __future__ import annotations

import threading
from typing import Final

import attrs

from damlink._console.roles import Visitor
from damlink._console.throttle import Throttle
from damlink._run.session import Session
from damlink._secrets.passwords import matches
from damlink._state.access import OWNER, Access, Admitted, Kind
from damlink._state.audit import Audit
from damlink._state.users import Identity, Role, Users

__all__ = ["MOST_NAME", "Sessions"]

MOST_NAME: Final = 64


class Sessions:
    """Links, sessions and tokens in the database of a session, which is opened at first use.

    Args:
        alone: whether the person who starts the console on this machine may enter, in no list and with every
            right; not where the console can be reached from elsewhere.
    """

    def __init__(self, session: Session, *, alone: bool = True, throttle: Throttle | None = None) -> None:
        self._session, self._alone = session, alone
        self._throttle = throttle or Throttle()
        self._lock = threading.Lock()
        self._own: list[str] = []

    @property
    def _access(self) -> Access:
        return Access(self._session.database)

    @property
    def _users(self) -> Users:
        return Users(self._session.database)

    @property
    def has_users(self) -> bool:
        """True if a user can sign in by a password."""
        return any(each.has_password for each in self._users.listing())

    @property
    def issuer(self) -> str:
        """Where people sign in by OpenID Connect; empty if they do not."""
        table = self._session.config.oidc
        return table.unopened.issuer if table else ""

    def make_link(self, user: str = OWNER) -> str:
        """Return the secret of a new one-time link."""
        return self._access.make_link(user)

    def begin(self, link: str) -> str | None:
        """Use a link up, and return the secret of a new session; `None` if it is unknown, used or old."""
        begun = self._access.use_link(link)
        if begun is None:
            return None
        user, secret = begun
        if user == OWNER:
            with self._lock:
                self._own.append(secret)
        if self._visitor(user) is None:
            self.end(secret)
            return None
        self._note(user, "sign in", "by a link")
        return secret

    def wait_seconds(self, name: str) -> float:
        """Return how long a sign-in under this name is refused unread."""
        return self._throttle.wait_seconds(name)

    def verify(self, name: str, password: str) -> bool:
        """Return whether name and password belong together; wrong ones are counted."""
        if matches(password, self._users.find_password(name[:MOST_NAME])):
            self._throttle.note_right(name)
            return True
        if self._throttle.note_wrong(name):
            self._note(name, "sign-in is locked", "after wrong passwords")
        return False

    def sign_in(self, name: str, password: str) -> str | None:
        """Return the secret of a new session, or `None` if name and password do not belong together."""
        if not self.verify(name, password):
            return None
        self._note(name, "sign in", "by a password")
        return self._access.begin(name)

    def sign_in_at_issuer(self, identity: Identity, name: str, role: Role) -> str:
        """Return the secret of a new session of a person whom the issuer has named."""
        user, before = self._users.sign_in(identity, name, role)
        details = {} if before in (None, role) else {"role": [str(before), str(role)]}
        Audit(self._session.database).note(user, "sign in", "by OpenID Connect", details)
        return self._access.begin(user)

    def shut_out(self, identity: Identity) -> None:
        """End the sessions of a person of the issuer who has no role any more."""
        user = self._users.find_name(identity)
        if user is not None:
            self._access.revoke_all(user)
            self._note(user, "sign out", "without a role at the issuer")

    def admit(self, secret: str, *, is_use: bool = True) -> Visitor | None:
        """Return who has a session, and note that it was used; see `Access.touch`."""
        return self._admit(self._access.touch(secret, Kind.SESSION, is_use=is_use))

    def admit_token(self, secret: str) -> Visitor | None:
        """Return who has a token."""
        return self._admit(self._access.touch(secret, Kind.TOKEN))

    def renew(self, visitor: Visitor) -> Visitor | None:
        """Return a visitor with the present role; `None` if the session or token has ended since."""
        goes_on = any(each.hash == visitor.session for each in self._access.listing(visitor.user))
        present = self._visitor(visitor.user) if goes_on else None
        return attrs.evolve(present, session=visitor.session) if present else None

    def end(self, secret: str) -> None:
        """End a session."""
        self._access.end(secret)

    def close(self) -> None:
        """End the sessions that the person at this machine has begun."""
        with self._lock:
            own, self._own = self._own, []
        for secret in own:
            self.end(secret)

    def _admit(self, found: Admitted | None) -> Visitor | None:
        visitor = self._visitor(found.user) if found else None
        return attrs.evolve(visitor, session=found.hash) if visitor and found else None

    def _visitor(self, name: str) -> Visitor | None:
        """Return a user with the present role, which may have changed since the session began."""
        if name == OWNER:
            return Visitor(OWNER, Role.ADMINISTRATOR) if self._alone else None
        user = self._users.find(name)
        # Who came from an issuer that counts no more has no way in.
        is_known = user is not None and user.issuer in ("", self.issuer)
        return Visitor(user.name, user.role) if user and is_known else None

    def _note(self, user: str, action: str, how: str) -> None:
        Audit(self._session.database).note(user, action, how)
