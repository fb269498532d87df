"""The inbox: notifications of portals, stored durably before they are acknowledged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._model import SourceAsset
from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, insert_into
from damlink._state.latencies import note_awaited
from damlink._state.lease import check_epoch
from damlink._state.merge import hasten, merge
from damlink._state.tables import inbox as t
from damlink._state.tables import read_record

__all__ = ["DISPATCHER", "CoalescedEvent", "Inbox", "Notification", "Outcome", "Received"]

# The name of the dispatcher's lease; no connector's name begins with a tilde.
DISPATCHER: Final = "~events"
# Finished notifications stay so long, to recognise repeated deliveries: SNS repeats for an hour.
KEPT: Final = timedelta(days=2)
# Open notifications stay so long: their portal may no longer be in the config.
ABANDONED: Final = timedelta(days=30)
MOST_ASSETS: Final = 100
MOST_ROWS: Final = 5000
# An asset with constant notifications is processed after so many pauses.
MAX_PAUSES: Final = 12


@attrs.frozen(kw_only=True)
class Notification:
    """One verified message of a portal.

    Attributes:
        subject: Bynder's event name.
        message: JSON, as it was sent.
    """

    portal: str
    topic: str
    message_id: str
    subject: str
    message: str
    occurred_at: datetime

    @property
    def content(self) -> Mapping[str, Any]:
        """The parsed message; empty if it is not a JSON object."""
        try:
            found = json.loads(self.message)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def asset_id(self) -> str:
        """The id of its asset; empty if it names none.

        Source: Bynder's `media_id`, 8-4-4-16 hexadecimal digits.
        """
        named = self.content.get("media_id")
        return named if isinstance(named, str) and _is_plain(named) else ""


def _is_plain(text: str) -> bool:
    """Return whether an id is safe in a path and in a list, as all ids of portals are."""
    return 0 < len(text) <= 64 and text.isascii() and text.replace("-", "").isalnum()


@attrs.frozen
class CoalescedEvent:
    """All open notifications about one asset, to be processed as one event.

    Attributes:
        notification: the one that counts: the deletion if there is one, else the latest.
        numbers: the rows.
        processed_by: connectors that have processed all of these notifications already.
        attempts: rounds in which a connector failed to process it; a new notification resets them to 0.
    """

    notification: Notification
    numbers: tuple[int, ...]
    processed_by: frozenset[str]
    attempts: int


@attrs.frozen(kw_only=True)
class Received:
    """A notification in the inbox, with what became of it.

    Attributes:
        due_at: `None` once it is finished.
        processed_by: connectors that have processed it.
        attempts: rounds in which a connector failed to process it.
    """

    number: int
    portal: str
    topic: str
    subject: str
    asset_id: str
    occurred_at: datetime
    received_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    processed_by: tuple[str, ...]
    attempts: int
    last_error: str

    @property
    def verdict(self) -> str:
        """The state in words."""
        if self.finished_at is not None:
            return (
                f"processed by {', '.join(self.processed_by)}" if self.processed_by else "processed by none"
            )
        return f"failed {self.attempts} times: {self.last_error}" if self.attempts else "not processed yet"


@attrs.frozen
class Outcome:
    """Result of processing an event. It is finished if `due_at` is not set."""

    event: CoalescedEvent
    processed_by: frozenset[str] = frozenset()
    due_at: datetime | None = None
    error: str = ""


@repeat_conflicts
class Inbox:
    """Notifications by portal, topic and message id: a topic may serve several portals of the config.

    Args:
        epoch: the epoch of the dispatcher's lease, which `settle` verifies; `None` verifies nothing.
    """

    def __init__(self, database: Database, epoch: int | None = None) -> None:
        self._database, self._epoch = database, epoch

    def put(self, notification: Notification) -> bool:
        """Store a notification; durable when this returns. Return `False` if it is stored already."""
        now = self._database.now()
        row = attrs.asdict(notification) | {
            "asset_id": notification.asset_id,
            "received_at": now,
            "due_at": now,
        }
        with self._database.write() as connection:
            new = insert_into(connection, t).values(row).on_conflict_do_nothing().returning(t.c.number)
            return connection.execute(new).scalar() is not None

    def gather(self, portal: str, pause: float) -> list[CoalescedEvent]:
        """Return the events that are ready to be processed, the oldest first, for at most a hundred assets.

        Args:
            pause: seconds without another notification about the asset before it is ready.
        """
        with self._database.read() as connection:
            ids = list(connection.execute(self._ready(portal, pause, MOST_ASSETS)).scalars())
            rows = sa.select(t).where(*_is_open(portal), t.c.asset_id.in_(ids))
            rows = rows.order_by(t.c.asset_id, t.c.number).limit(MOST_ROWS)
            found = list(connection.execute(rows)) if ids else []
        return _coalesce(found)

    def has_ready(self, portal: str, pause: float) -> bool:
        """Return whether `gather` would return an event; no event is read."""
        with self._database.read() as connection:
            return connection.execute(self._ready(portal, pause, 1)).first() is not None

    def _ready(self, portal: str, pause: float, most: int) -> sa.Select[str]:
        """Return the query for the assets whose events are ready to be processed, the oldest first."""
        now = self._database.now()
        calm = sa.func.max(t.c.received_at) <= now - timedelta(seconds=pause)
        late = sa.func.min(t.c.received_at) <= now - timedelta(seconds=pause * MAX_PAUSES)
        # The newest receipt is in the future: the system clock was changed.
        clock_moved_back = sa.func.max(t.c.received_at) > now + timedelta(seconds=pause)
        return (
            sa.select(t.c.asset_id)
            .where(*_is_open(portal), sa.or_(t.c.attempts == 0, t.c.due_at <= now))
            .group_by(t.c.asset_id)
            .having(sa.or_(calm, late, clock_moved_back))
            .order_by(sa.func.min(t.c.received_at), t.c.asset_id)
            .limit(most)
        )

    def settle(
        self,
        outcomes: Iterable[Outcome],
        new_rows: Mapping[str, Sequence[SourceAsset]],
        causes: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        """Write the new rows into the ledgers and the outcomes into the inbox, in one transaction.

        Args:
            new_rows: source assets by connector.
            causes: the number of the first notification that has made a row due, by connector and source id.

        Raises:
            LeaseLostError: another process holds the dispatcher's lease now.
        """
        now = self._database.now()
        with self._database.write() as connection:
            if self._epoch is not None:
                check_epoch(connection, DISPATCHER, self._epoch)
            for connector in sorted(new_rows):
                merge(connection, connector, new_rows[connector], now)
                hasten(connection, connector, new_rows[connector], now)
            if causes:
                note_awaited(connection, _moments(connection, causes))
            for outcome in outcomes:
                values = {
                    "had": json.dumps(sorted(outcome.processed_by | outcome.event.processed_by)),
                    "due_at": outcome.due_at,
                    "finished_at": None if outcome.due_at else now,
                    "attempts": outcome.event.attempts + bool(outcome.error),
                    "last_error": outcome.error,
                }
                rows = t.c.number.in_(outcome.event.numbers)
                connection.execute(sa.update(t).where(rows).values(values))

    def latest(self, portal: str, *, limit: int, offset: int = 0) -> list[Received]:
        """Return the newest notifications of a portal, the newest first."""
        query = sa.select(t).where(t.c.portal == portal).order_by(t.c.number.desc())
        with self._database.read() as connection:
            found = connection.execute(query.limit(limit).offset(offset)).all()
        return [_received(each) for each in found]

    def find(self, portal: str, number: int) -> Received | None:
        """Return one notification of a portal; `None` if there is none with this number."""
        query = sa.select(t).where(t.c.portal == portal, t.c.number == number)
        with self._database.read() as connection:
            found = connection.execute(query).one_or_none()
        return _received(found) if found else None

    def replay(self, portal: str, first: int, last: int) -> int:
        """Let notifications be processed once more, as if they had just arrived; return how many."""
        chosen = (t.c.portal == portal, t.c.number.between(first, last))
        anew = {"had": "[]", "attempts": 0, "last_error": "", "finished_at": None}
        update = sa.update(t).where(*chosen).values(**anew, due_at=self._database.now())
        with self._database.write() as connection:
            return connection.execute(update).rowcount

    def open_count(self, portal: str | None = None) -> int:
        """Count the notifications that are not finished, of one portal or of all."""
        query = sa.select(sa.func.count()).where(t.c.finished_at.is_(None))
        query = query if portal is None else query.where(t.c.portal == portal)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def prune(self) -> int:
        """Delete notifications finished long ago, and abandoned ones; return how many."""
        now = self._database.now()
        old = sa.or_(t.c.finished_at < now - KEPT, t.c.received_at < now - ABANDONED)
        with self._database.write() as connection:
            return connection.execute(sa.delete(t).where(old)).rowcount


def _moments(
    connection: sa.Connection, causes: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], datetime]:
    """Return when the notification was received that has made each row due."""
    query = sa.select(t.c.number, t.c.received_at).where(t.c.number.in_(set(causes.values())))
    moments = {each.number: each.received_at for each in connection.execute(query)}
    return {key: moments[number] for key, number in causes.items() if number in moments}


def _received(row: sa.Row[Any]) -> Received:
    return read_record(Received, row, processed_by=tuple(json.loads(row.had)))


def _is_open(portal: str) -> tuple[sa.ColumnElement[bool], ...]:
    return t.c.portal == portal, t.c.finished_at.is_(None)


def _coalesce(rows: Iterable[Any]) -> list[CoalescedEvent]:
    """Join the rows of each asset into one event; rows about no asset stay separate."""
    found = []
    for _, group in groupby(rows, key=lambda row: row.asset_id or row.number):
        same = list(group)
        weightiest = max(
            same, key=lambda row: (row.subject.endswith(".deleted"), row.occurred_at, row.number)
        )
        processed_by = frozenset.intersection(*(frozenset(json.loads(row.had)) for row in same))
        numbers = tuple(row.number for row in same)
        attempts = min(row.attempts for row in same)
        found.append(CoalescedEvent(read_record(Notification, weightiest), numbers, processed_by, attempts))
    return sorted(found, key=lambda each: each.numbers[0])
