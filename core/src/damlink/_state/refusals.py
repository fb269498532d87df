"""Refused messages at event addresses: one row for each day, outcome and topic, and few of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, upsert
from damlink._state.tables import read_record
from damlink._state.tables import refusal as t

__all__ = ["ANY_TOPIC", "MOST_TOPICS", "Refusal", "Refusals"]

# Anyone who knows the address could fill the table: messages of more topics are counted together.
MOST_TOPICS: Final = 20  # of a portal on a day
ANY_TOPIC: Final = ""
KEPT: Final = timedelta(days=30)
LONGEST: Final = 500  # characters of a reason, and of what is kept of a message


@attrs.frozen(kw_only=True)
class Refusal:
    """Messages that were refused on one day for one kind of reason.

    Attributes:
        day: in UTC, as ISO 8601.
        outcome: one word, as in the metrics.
        topic: that they say they are from; empty if they name none, or if there are too many topics.
        reason: of the last one.
        last_message: kind, id and subject of the last one; empty if it has none.
        times: how many at least; a process counts some before it writes.
    """

    portal: str
    day: str
    outcome: str
    topic: str
    reason: str
    last_message: str
    first_at: datetime
    last_at: datetime
    times: int


@repeat_conflicts
class Refusals:
    """The refused messages of the last 30 days."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, portal: str, outcome: str, topic: str, reason: str, message: str, times: int) -> None:
        """Count messages of today."""
        now = self._database.now()
        day = now.date().isoformat()
        with self._database.write() as connection:
            own = (t.c.portal == portal, t.c.day == day)
            if topic != ANY_TOPIC and not _has_room(connection, own, outcome, topic):
                topic = ANY_TOPIC
            new = {"portal": portal, "day": day, "outcome": outcome, "topic": topic, "times": times}
            changes = {"reason": reason[:LONGEST], "last_message": message[:LONGEST], "last_at": now}
            upsert(connection, t, new | changes | {"first_at": now}, changes | {"times": t.c.times + times})
            connection.execute(sa.delete(t).where(t.c.day < (now - KEPT).date().isoformat()))

    def latest(self, portal: str, limit: int) -> list[Refusal]:
        """Return the refused messages of a portal, the last received first."""
        query = sa.select(t).where(t.c.portal == portal).order_by(t.c.last_at.desc(), t.c.outcome, t.c.topic)
        with self._database.read() as connection:
            return [read_record(Refusal, each) for each in connection.execute(query.limit(limit))]


def _has_room(
    connection: sa.Connection, own: tuple[sa.ColumnElement[bool], ...], outcome: str, topic: str
) -> bool:
    """Return whether a topic has a row on that day already, or may get one."""
    is_same = sa.and_(t.c.outcome == outcome, t.c.topic == topic)
    same = sa.func.count(sa.case((is_same, 1)))
    named = sa.func.count(sa.case((t.c.topic != ANY_TOPIC, 1)))
    known, taken = connection.execute(sa.select(same, named).where(*own)).one()
    return bool(known) or int(taken) < MOST_TOPICS
