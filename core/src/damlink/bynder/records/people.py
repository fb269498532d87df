"""Records of people: users and their groups.

Source: Bynder's published definition of users. A flag is 0 or 1 in a list, and true or false for one user.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from damlink.bynder.records.convert import text
from damlink.bynder.records.record import Record, read_record

__all__ = ["Group", "User"]


@attrs.frozen(slots=False)
class Group(Record):
    """A group of users."""

    id: str
    name: str
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class User(Record):
    """A user. A list has fewer fields than a request for one user; the answer to a change only id and name.

    Attributes:
        name: first and last name.
        active: `None` if the portal does not say, such as for the current user on some portals.
        groups: set in lists and for a user requested by id.
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
        """Return the user that an object of the portal's JSON describes."""
        # Lists contain the parts of the name only.
        names = (text(raw[key]) for key in ("firstname", "infix", "lastname") if raw.get(key))
        return read_record(cls, raw, name=text(raw.get("name")) or " ".join(names))
