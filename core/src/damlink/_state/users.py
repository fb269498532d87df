"""Users of the console and their roles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.console_tables import console_access
from damlink._state.console_tables import console_user as t
from damlink._state.database import Database, insert_into
from damlink._state.tables import read_record

__all__ = ["Role", "User", "Users"]


class Role(StrEnum):
    """Rights of a user; each role may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"

    def includes(self, other: Role) -> bool:
        """Return whether this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@attrs.frozen(kw_only=True)
class User:
    """One user.

    Attributes:
        has_password: whether the user can sign in without a link.
    """

    name: str
    role: Role
    has_password: bool
    created_at: datetime


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

    def change(self, name: str, changes: Mapping[str, Any]) -> bool:
        """Change columns of a user, and return whether there is one of that name."""
        with self._database.write() as connection:
            return connection.execute(sa.update(t).where(t.c.name == name).values(**changes)).rowcount == 1

    def remove(self, name: str) -> bool:
        """Delete a user with all sessions, links and tokens, and return whether there was one."""
        with self._database.write() as connection:
            connection.execute(sa.delete(console_access).where(console_access.c.user == name))
            return connection.execute(sa.delete(t).where(t.c.name == name)).rowcount == 1

    def find(self, name: str) -> User | None:
        """Return the user of a name."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(t).where(t.c.name == name)).one_or_none()
        return _user(found) if found else None

    def find_password(self, name: str) -> str | None:
        """Return the hash of a user's password, if there is such a user with one."""
        with self._database.read() as connection:
            found: str | None = connection.execute(sa.select(t.c.password).where(t.c.name == name)).scalar()
        return found

    def listing(self) -> list[User]:
        """Return the users, ordered by name."""
        with self._database.read() as connection:
            return [_user(each) for each in connection.execute(sa.select(t).order_by(t.c.name))]


def _user(row: Any) -> User:
    return read_record(User, row, role=Role(row.role), has_password=row.password is not None)
