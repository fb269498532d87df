"""SNS topics of portals, and their approval by a person."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, upsert
from damlink._state.tables import read_record
from damlink._state.tables import topic as t

__all__ = ["Topic", "TopicState", "Topics"]

TopicState = Literal["approved", "pending"]


@attrs.frozen(kw_only=True)
class Topic:
    """One topic that has sent a message to a portal's address."""

    portal: str
    arn: str
    noted_at: datetime
    approved_at: datetime | None
    confirmed_at: datetime | None

    @property
    def state(self) -> TopicState:
        """`approved` if a person has approved the topic, else `pending`."""
        return "approved" if self.approved_at else "pending"


@repeat_conflicts
class Topics:
    """Stored topics by portal and ARN."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, portal: str, arn: str) -> TopicState | None:
        """Return the state of a topic; `None` if it is unknown."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(t).where(*_at(portal, arn))).one_or_none()
        return read_record(Topic, found).state if found else None

    def note(self, portal: str, arn: str, token: bytes | None) -> None:
        """Store that a topic has sent a message.

        Args:
            token: the sealed token of its subscription request; `None` keeps the stored one.
        """
        now = self._database.now()
        new = {"portal": portal, "arn": arn, "token": token, "noted_at": now}
        changes = {"noted_at": now} if token is None else {"noted_at": now, "token": token}
        with self._database.write() as connection:
            upsert(connection, t, new, changes)

    def approve(self, portal: str, arn: str) -> None:
        """Approve a topic, known or not."""
        now = self._database.now()
        new = {"portal": portal, "arn": arn, "noted_at": now, "approved_at": now}
        with self._database.write() as connection:
            upsert(connection, t, new, {"approved_at": now})

    def mark_confirmed(self, portal: str, arn: str) -> None:
        """Store that the subscription was confirmed, and delete its token."""
        now = self._database.now()
        new = {"portal": portal, "arn": arn, "noted_at": now, "confirmed_at": now}
        with self._database.write() as connection:
            upsert(connection, t, new, {"confirmed_at": now, "token": None})

    def mark_ended(self, portal: str, arn: str) -> None:
        """Store that the subscription has ended; the topic stays approved."""
        with self._database.write() as connection:
            connection.execute(sa.update(t).where(*_at(portal, arn)).values(confirmed_at=None))

    def token(self, portal: str, arn: str) -> bytes | None:
        """Return the sealed token that confirms the subscription, or `None`."""
        with self._database.read() as connection:
            found: bytes | None = connection.execute(sa.select(t.c.token).where(*_at(portal, arn))).scalar()
        return found

    def listing(self, portal: str) -> list[Topic]:
        """Return the topics of a portal, ordered by ARN."""
        query = sa.select(t).where(t.c.portal == portal).order_by(t.c.arn)
        with self._database.read() as connection:
            return [read_record(Topic, each) for each in connection.execute(query)]


def _at(portal: str, arn: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (t.c.portal == portal, t.c.arn == arn)
