"""The portal's JSON about people as types: users and their groups.

Source: Bynder's published definition of users. A flag is 0 or 1 in a list, and true or false for one user.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from damlink.bynder.records.convert import flag, moment, records, text

__all__ = ["Group", "User"]


@attrs.frozen
class Group:
    """A group of users."""

    id: str
    name: str
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Group:
        """From the portal's JSON."""
        return cls(text(raw.get("id")), text(raw.get("name")), raw)


@attrs.frozen(kw_only=True)
class User:
    """A user; a list tells less than the call for one, and the answer to a change only id and name.

    Attributes:
        name: first and last name.
        active: `None` where the portal does not say, as for the current user on some portals.
        groups: told for one user asked for by id, and in lists.
    """

    id: str
    username: str
    email: str
    name: str
    active: bool | None
    profile_id: str
    groups: tuple[Group, ...]
    last_login: datetime | None
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> User:
        """From the portal's JSON."""
        active = raw.get("active")
        return cls(
            id=text(raw.get("id")),
            username=text(raw.get("username")),
            email=text(raw.get("email")),
            name=text(raw.get("name")) or " ".join(_names(raw)),
            active=None if active is None else flag(active),
            profile_id=text(raw.get("profileId")),
            groups=tuple(map(Group.read, records(raw.get("groups")))),
            last_login=moment(raw.get("lastLogin")),
            raw=raw,
        )


def _names(raw: Mapping[str, Any]) -> Iterator[str]:
    for key in ("firstname", "infix", "lastname"):
        if raw.get(key):
            yield text(raw[key])
