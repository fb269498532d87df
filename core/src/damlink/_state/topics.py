"""The topics through which portals tell us things, and whether a person has let them in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, upsert
from damlink._state.tables import topic as t

__all__ = ["Topic", "TopicState", "Topics"]

TopicState = Literal["approved", "pending"]


@attrs.frozen(kw_only=True)
class Topic:
    """One topic that has written to a portal's address."""

    portal: str
    arn: str
    noted_at: datetime
    approved_at: datetime | None
    confirmed_at: datetime | None

    @property
    def state(self) -> TopicState:
        """Whether a person has let it in."""
        return "approved" if self.approved_at else "pending"


@repeat_conflicts
class Topics:
    """Topics by portal and ARN."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, portal: str, arn: str) -> TopicState | None:
        """Whether it is approved or pending; `None` if nobody has heard of it."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(t).where(*_at(portal, arn))).one_or_none()
        return _topic(found).state if found else None

    def note(self, portal: str, arn: str, token: bytes | None, now: datetime) -> None:
        """Remember that a topic has written.

        Args:
            token: of its request to be confirmed, sealed; `None` keeps the one there is.
        """
        new = {"portal": portal, "arn": arn, "token": token, "noted_at": now}
        changes = {"noted_at": now} if token is None else {"noted_at": now, "token": token}
        with self._database.write() as connection:
            upsert(connection, t, new, changes)

    def approve(self, portal: str, arn: str, now: datetime) -> None:
        """Let a topic in, met before or not."""
        new = {"portal": portal, "arn": arn, "noted_at": now, "approved_at": now}
        with self._database.write() as connection:
            upsert(connection, t, new, {"approved_at": now})

    def mark_confirmed(self, portal: str, arn: str, now: datetime) -> None:
        """Note that its subscription has been confirmed; its token is of no more use."""
        new = {"portal": portal, "arn": arn, "noted_at": now, "confirmed_at": now}
        with self._database.write() as connection:
            upsert(connection, t, new, {"confirmed_at": now, "token": None})

    def mark_ended(self, portal: str, arn: str) -> None:
        """Note that its subscription has ended; it stays approved."""
        with self._database.write() as connection:
            connection.execute(sa.update(t).where(*_at(portal, arn)).values(confirmed_at=None))

    def token(self, portal: str, arn: str) -> bytes | None:
        """The sealed token that confirms its subscription, or `None`."""
        with self._database.read() as connection:
            found: bytes | None = connection.execute(sa.select(t.c.token).where(*_at(portal, arn))).scalar()
        return found

    def listing(self, portal: str) -> list[Topic]:
        """The topics of a portal, by ARN."""
        query = sa.select(t).where(t.c.portal == portal).order_by(t.c.arn)
        with self._database.read() as connection:
            return [_topic(each) for each in connection.execute(query)]


def _at(portal: str, arn: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (t.c.portal == portal, t.c.arn == arn)


def _topic(row: Any) -> Topic:
    return Topic(**{field.name: getattr(row, field.name) for field in attrs.fields(Topic)})
