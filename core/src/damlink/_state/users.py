"""Users of the console and their roles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.console_tables import console_access, console_identity
from damlink._state.console_tables import console_user as t
from damlink._state.database import Database, insert_into
from damlink._state.tables import read_record

__all__ = ["Identity", "Role", "User", "Users"]

_OF: Final = t.c.name == console_identity.c.user
_WITH_ISSUER: Final = sa.select(t, console_identity.c.issuer).select_from(t.outerjoin(console_identity, _OF))


class Role(StrEnum):
    """Rights of a user; each role may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"

    def includes(self, other: Role) -> bool:
        """Return whether this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@attrs.frozen
class Identity:
    """A person at an OpenID Connect issuer; the two texts together name one, and always the same."""

    issuer: str
    subject: str


@attrs.frozen(kw_only=True)
class User:
    """One user.

    Attributes:
        has_password: whether the user can sign in without a link.
        issuer: where the user signs in; empty for a user of this database alone.
    """

    name: str
    role: Role
    has_password: bool
    created_at: datetime
    issuer: str = ""


@repeat_conflicts
class Users:
    """The users that are stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, role: Role, password: str | None) -> bool:
        """Add a user, and return whether there was none of that name.

        Args:
            password: its hash, as `_secrets.passwords` makes it.
        """
        row = {"name": name, "role": role.value, "password": password, "created_at": self._database.now()}
        with self._database.write() as connection:
            added = insert_into(connection, t).values(row).on_conflict_do_nothing()
            return connection.execute(added.returning(t.c.name)).first() is not None

    def sign_in(self, identity: Identity, name: str, role: Role) -> tuple[str, Role | None]:
        """Give a person of an issuer a role; return the name of the user and the role before, if any.

        Args:
            name: of a person who was never here. If another user has it, a digest of the identity follows it.
        """
        with self._database.write() as connection:
            _lock(connection)
            known = connection.execute(_select_identity(identity)).scalar()
            if known is not None:
                before = connection.execute(sa.select(t.c.role).where(t.c.name == known)).scalar_one()
                connection.execute(sa.update(t).where(t.c.name == known).values(role=role.value))
                return str(known), Role(before)
            taken = connection.execute(sa.select(t.c.name).where(t.c.name == name)).first()
            own = f"{name}~{_digest(identity)}" if taken else name
            row = {"name": own, "role": role.value, "created_at": self._database.now()}
            connection.execute(sa.insert(t).values(row))
            connection.execute(sa.insert(console_identity).values(attrs.asdict(identity) | {"user": own}))
            return own, None

    def change(self, name: str, changes: Mapping[str, Any]) -> bool:
        """Change columns of a user, and return whether there is one of that name."""
        with self._database.write() as connection:
            return connection.execute(sa.update(t).where(t.c.name == name).values(**changes)).rowcount == 1

    def remove(self, name: str) -> bool:
        """Delete a user with all sessions, links and tokens, and return whether there was one."""
        with self._database.write() as connection:
            connection.execute(sa.delete(console_access).where(console_access.c.user == name))
            connection.execute(sa.delete(console_identity).where(console_identity.c.user == name))
            return connection.execute(sa.delete(t).where(t.c.name == name)).rowcount == 1

    def find(self, name: str) -> User | None:
        """Return the user of a name."""
        with self._database.read() as connection:
            found = connection.execute(_WITH_ISSUER.where(t.c.name == name)).one_or_none()
        return _user(found) if found else None

    def find_name(self, identity: Identity) -> str | None:
        """Return the name of the user that a person of an issuer is."""
        with self._database.read() as connection:
            found: str | None = connection.execute(_select_identity(identity)).scalar()
        return found

    def find_password(self, name: str) -> str | None:
        """Return the hash of a user's password, if there is such a user with one."""
        with self._database.read() as connection:
            found: str | None = connection.execute(sa.select(t.c.password).where(t.c.name == name)).scalar()
        return found

    def listing(self) -> list[User]:
        """Return the users, ordered by name."""
        with self._database.read() as connection:
            return [_user(each) for each in connection.execute(_WITH_ISSUER.order_by(t.c.name))]


def _user(row: Any) -> User:
    has_password = row.password is not None
    return read_record(User, row, role=Role(row.role), has_password=has_password, issuer=row.issuer or "")


def _lock(connection: sa.Connection) -> None:
    """Let one first sign-in after the other look for a free name; SQLite has one writer in any case."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE console_identity IN EXCLUSIVE MODE")


def _select_identity(identity: Identity) -> sa.Select[Any]:
    columns = console_identity.c
    given = (columns.issuer == identity.issuer, columns.subject == identity.subject)
    return sa.select(columns.user).where(*given)


def _digest(identity: Identity) -> str:
    return hashlib.sha256(f"{identity.issuer}\0{identity.subject}".encode()).hexdigest()[:16]
