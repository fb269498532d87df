"""Changes of users, the same for the command line and for the console; each returns what to note about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from damlink._state.access import Access
from damlink._state.database import Database
from damlink._state.users import Role, User, Users
from damlink.errors import ConfigError

__all__ = [
    "add_user",
    "change_password",
    "change_role",
    "find_local_user",
    "find_user",
    "make_token",
    "remove_user",
    "revoke_access",
]

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")

Details = Mapping[str, Any]


def find_user(database: Database, name: str) -> User:
    """Return the user of a name.

    Raises:
        ConfigError: there is none.
    """
    found = Users(database).find(name)
    if found is None:
        raise _unknown(name)
    return found


def find_local_user(database: Database, name: str) -> User:
    """Return the user of a name, who does not sign in at an issuer: that one gives role and access.

    Raises:
        ConfigError: there is none, or another one.
    """
    found = find_user(database, name)
    if found.issuer:
        hint = "change the groups of the person there, or add a user of another name with `damlink users add`"
        raise ConfigError("", f"{name} signs in at {found.issuer}, which gives the role", hint=hint)
    return found


def add_user(database: Database, name: str, role: Role, password: str | None) -> Details:
    """Add a user.

    Args:
        password: its hash; without one a link or a token lets in.

    Raises:
        ConfigError: there is one of that name, or it cannot be a name.
    """
    if not NAME.fullmatch(name):
        hint = "letters, digits, `.`, `_`, `@` and `-`, 64 at most"
        raise ConfigError("", f"{name!r} cannot be the name of a user", hint=hint)
    if not Users(database).add(name, role, password):
        hint = "`damlink users role` and `damlink users password` change one"
        raise ConfigError("", f"there is a user {name!r} already", hint=hint)
    return {"role": role.value}


def change_role(database: Database, name: str, role: Role) -> Details:
    """Change the role of a user, from the next request on.

    Raises:
        ConfigError: there is no such user.
    """
    before = find_local_user(database, name).role
    _change(database, name, {"role": role.value})
    return {"role": [before.value, role.value]}


def change_password(database: Database, name: str, password: str, *, but: str = "") -> Details:
    """Change the password of a user, and end all sessions and tokens.

    Args:
        password: its hash.
        but: the hash of a session that goes on.

    Raises:
        ConfigError: there is no such user.
    """
    find_local_user(database, name)
    _change(database, name, {"password": password})
    Access(database).revoke_all(name, but=but)
    return {}


def make_token(database: Database, name: str, label: str, days: int) -> tuple[str, Details]:
    """Return a new token of a user.

    Raises:
        ConfigError: there is no such user.
    """
    find_local_user(database, name)
    made = Access(database).make_token(name, label, timedelta(days=days))
    return made, {"label": label, "days": days}


def revoke_access(database: Database, name: str) -> Details:
    """End all sessions and tokens of a user.

    Raises:
        ConfigError: there is no such user.
    """
    find_user(database, name)
    Access(database).revoke_all(name)
    return {}


def remove_user(database: Database, name: str) -> Details:
    """Delete a user, with all sessions and tokens.

    Raises:
        ConfigError: there is no such user.
    """
    # First: the sessions of the person at the machine, who is no user, must stay.
    find_user(database, name)
    Users(database).remove(name)
    return {}


def _change(database: Database, name: str, changes: Mapping[str, Any]) -> None:
    if not Users(database).change(name, changes):
        raise _unknown(name)


def _unknown(name: str) -> ConfigError:
    return ConfigError("", f"there is no user {name!r}", hint="`damlink users list` shows them")
