"""Ways into the console: links that work once, sessions, tokens. Only hashes are stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.console_tables import console_access as t
from damlink._state.database import Database

__all__ = ["ABSOLUTE", "IDLE", "LINK", "MOST_SESSIONS", "OWNER", "Access", "Admitted", "Kind"]

LINK: Final = timedelta(minutes=5)
IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=12)
MOST_SESSIONS: Final = 20  # of one user
# That a session was used is written so seldom, for its idle end alone.
NOTE_AFTER: Final = timedelta(minutes=1)
# The person at the machine, who starts the console there and is in no list. No user can have this name.
OWNER: Final = ""


class Kind(StrEnum):
    """Kinds of what lets a user in."""

    LINK = "link"
    SESSION = "session"
    TOKEN = "token"


@attrs.frozen(kw_only=True)
class Admitted:
    """One session or token, without its secret.

    Attributes:
        hash: names it.
        ends_at: when it ends in any case; `None` for a token that does not.
    """

    hash: str
    kind: Kind
    user: str
    label: str
    created_at: datetime
    used_at: datetime
    ends_at: datetime | None


@repeat_conflicts
class Access:
    """Links, sessions and tokens of all users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make_link(self, user: str) -> str:
        """Return the secret of a new link, which begins one session within five minutes."""
        with self._database.write() as connection:
            return self._make(connection, Kind.LINK, user, "", LINK)

    def make_token(self, user: str, label: str, lasts: timedelta | None) -> str:
        """Return the secret of a new token."""
        with self._database.write() as connection:
            return self._make(connection, Kind.TOKEN, user, label, lasts)

    def begin(self, user: str) -> str:
        """Return the secret of a new session; the one that rested longest ends when there are too many."""
        with self._database.write() as connection:
            return self._begin(connection, user)

    def use_link(self, link: str) -> tuple[str, str] | None:
        """Use a link up, and return its user and the secret of a session; `None` if it is used or old."""
        with self._database.write() as connection:
            own = (t.c.hash == _hash(link), t.c.kind == Kind.LINK)
            found = connection.execute(sa.select(t).where(*own)).one_or_none()
            connection.execute(sa.delete(t).where(*own))
            if found is None or found.ends_at < self._database.now():
                return None
            return found.user, self._begin(connection, found.user)

    def _begin(self, connection: sa.Connection, user: str) -> str:
        self._forget_ended(connection)
        own = (t.c.user == user, t.c.kind == Kind.SESSION)
        newest = sa.select(t.c.hash).where(*own).order_by(t.c.used_at.desc()).limit(MOST_SESSIONS - 1)
        connection.execute(sa.delete(t).where(*own, t.c.hash.not_in(newest)))
        return self._make(connection, Kind.SESSION, user, "", ABSOLUTE)

    def _make(
        self, connection: sa.Connection, kind: Kind, user: str, label: str, lasts: timedelta | None
    ) -> str:
        secret, now = secrets.token_urlsafe(32), self._database.now()
        times = {"created_at": now, "used_at": now, "ends_at": now + lasts if lasts else None}
        row = {"hash": _hash(secret), "kind": kind.value, "user": user, "label": label, **times}
        connection.execute(sa.insert(t).values(row))
        return secret

    def touch(self, secret: str, kind: Kind, *, is_use: bool = True) -> Admitted | None:
        """Return the session or token of a secret if it has not ended, and note that it was used.

        Args:
            is_use: false for what a page does by itself: it must not keep an unused session.
        """
        now = self._database.now()
        with self._database.read() as connection:
            row = connection.execute(
                sa.select(t).where(t.c.hash == _hash(secret), t.c.kind == kind)
            ).one_or_none()
        found = _read_admitted(row) if row else None
        if found is None or _has_ended(found, now):
            return None
        if is_use and now - found.used_at > NOTE_AFTER:
            with self._database.write() as connection:
                connection.execute(sa.update(t).where(t.c.hash == found.hash).values(used_at=now))
        return found

    def end(self, secret: str) -> None:
        """End a session."""
        self.revoke(_hash(secret))

    def revoke(self, hash_: str) -> bool:
        """End the session or token of a hash, and return whether there was one."""
        with self._database.write() as connection:
            return connection.execute(sa.delete(t).where(t.c.hash == hash_)).rowcount == 1

    def revoke_all(self, user: str, *, but: str = "") -> None:
        """End every link, session and token of a user.

        Args:
            but: the hash of a session that goes on.
        """
        with self._database.write() as connection:
            connection.execute(sa.delete(t).where(t.c.user == user, t.c.hash != but))

    def listing(self, user: str) -> list[Admitted]:
        """Return the sessions and tokens of a user that have not ended, the oldest first."""
        own = (t.c.user == user, t.c.kind != Kind.LINK)
        now = self._database.now()
        with self._database.read() as connection:
            rows = connection.execute(sa.select(t).where(*own).order_by(t.c.created_at)).all()
        return [found for found in map(_read_admitted, rows) if not _has_ended(found, now)]

    def _forget_ended(self, connection: sa.Connection) -> None:
        now = self._database.now()
        idle = sa.and_(t.c.kind == Kind.SESSION, t.c.used_at < now - IDLE)
        connection.execute(sa.delete(t).where(sa.or_(t.c.ends_at < now, idle)))


def _read_admitted(row: Any) -> Admitted:
    return Admitted(**{**row._mapping, "kind": Kind(row.kind)})


def _has_ended(found: Admitted, now: datetime) -> bool:
    is_idle = found.kind is Kind.SESSION and now - found.used_at > IDLE + NOTE_AFTER
    return is_idle or (found.ends_at is not None and now > found.ends_at)


def _hash(secret: str) -> str:
    """Return the hash under which a secret is looked up, so that no time of a comparison tells about it."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
