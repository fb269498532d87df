"""Messages of queues that were refused: what a person needs to find out why."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, insert_into
from damlink._state.tables import read_record
from damlink._state.tables import refused as t

__all__ = ["Refused", "RefusedMessages"]

# Anyone whom the queue lets send could fill the table.
MOST: Final = 200  # of a portal
LONGEST: Final = 64 * 1024  # characters of a message
# Longer than any queue keeps a message.
KEPT: Final = timedelta(days=30)
# With these anyone could confirm or end a subscription.
_SECRETS: Final = frozenset({"Token", "SubscribeURL", "UnsubscribeURL"})


@attrs.frozen(kw_only=True)
class Refused:
    """One message that was refused.

    Attributes:
        message_id: that the queue gave it.
        reason: of the last time.
        message: as it was sent, without what confirms or ends a subscription; its begin, if it is long.
        times: how often it was received.
    """

    portal: str
    message_id: str
    reason: str
    message: str
    first_at: datetime
    last_at: datetime
    times: int


@repeat_conflicts
class RefusedMessages:
    """The newest refused messages by portal and id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, portal: str, message_id: str, reason: str, message: str) -> bool:
        """Store that a message was refused; return whether it is new."""
        now = self._database.now()
        row: dict[str, Any] = {"portal": portal, "message_id": message_id, "reason": reason, "times": 1}
        row |= {"message": _without_secrets(message)[:LONGEST], "first_at": now, "last_at": now}
        again = {"reason": reason, "last_at": now, "times": t.c.times + 1}
        with self._database.write() as connection:
            update = sa.update(t).where(*_at(portal, message_id)).values(again)
            if connection.execute(update).rowcount:
                return False
            connection.execute(insert_into(connection, t).values(row).on_conflict_do_nothing())
            newest = sa.select(t.c.message_id).where(t.c.portal == portal).order_by(t.c.last_at.desc())
            others = t.c.message_id.not_in(newest.limit(MOST))
            old = sa.or_(sa.and_(t.c.portal == portal, others), t.c.last_at < now - KEPT)
            connection.execute(sa.delete(t).where(old))
        return True

    def forget(self, portal: str, message_id: str) -> None:
        """Delete a message that has been accepted in the end."""
        with self._database.write() as connection:
            connection.execute(sa.delete(t).where(*_at(portal, message_id)))

    def latest(self, portal: str, limit: int) -> list[Refused]:
        """Return the refused messages of a portal, the last received first."""
        query = sa.select(t).where(t.c.portal == portal).order_by(t.c.last_at.desc(), t.c.message_id)
        with self._database.read() as connection:
            return [read_record(Refused, each) for each in connection.execute(query.limit(limit))]

    def counts(self) -> dict[str, int]:
        """Return how many messages are refused, of each portal that has some."""
        query = sa.select(t.c.portal, sa.func.count()).group_by(t.c.portal).order_by(t.c.portal)
        with self._database.read() as connection:
            return {str(portal): int(number) for portal, number in connection.execute(query)}


def _at(portal: str, message_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (t.c.portal == portal, t.c.message_id == message_id)


def _without_secrets(message: str) -> str:
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        return message
    if not isinstance(found, dict) or _SECRETS.isdisjoint(found):
        return message
    return json.dumps({name: value for name, value in found.items() if name not in _SECRETS})
