"""The audit log: who did what. Each entry holds the hash of the one before, so that a change shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import UTC
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._secret import redact
from damlink._state.conflicts import repeat_conflicts
from damlink._state.console_tables import audit as t
from damlink._state.database import Database
from damlink._state.tables import read_record
from damlink._system.keepable import clean
from damlink.errors import StateError

__all__ = ["Audit", "Entry"]

FIRST: Final = "0" * 64  # stands before the first entry
READ_AT_ONCE: Final = 1000


@attrs.frozen(kw_only=True)
class Entry:
    """One entry.

    Attributes:
        at: the moment in ISO 8601, as it was hashed.
        user: who did it: a user of the console; `os:NAME` for a command, with the user of the operating
            system; empty for who has started the console at the machine.
        details: what was changed, from what to what, as JSON.
        previous: the hash of the entry before.
    """

    number: int
    at: str
    user: str
    action: str
    subject: str
    details: str
    previous: str
    hash: str


@repeat_conflicts
class Audit:
    """The audit log; entries are added, and never changed or deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, user: str, action: str, subject: str, details: Mapping[str, Any] | None = None) -> Entry:
        """Add an entry; secrets in its texts are redacted."""
        at = self._database.now().astimezone(UTC).isoformat(timespec="milliseconds")
        written = json.dumps(dict(details or {}), sort_keys=True, ensure_ascii=False, default=str)
        names = ("at", "user", "action", "subject", "details")
        given = zip(names, (at, user, action, subject, written), strict=True)
        texts = {name: redact(clean(text)) for name, text in given}
        with self._database.write(ordered=True) as connection:
            _lock(connection)
            last = connection.execute(sa.select(t).order_by(t.c.number.desc()).limit(1)).one_or_none()
            number, previous = (last.number + 1, last.hash) if last else (1, FIRST)
            own = _hash(number, list(texts.values()), previous)
            entry = Entry(number=number, **texts, previous=previous, hash=own)
            connection.execute(sa.insert(t).values(attrs.asdict(entry)))
        return entry

    def latest(self, limit: int, before: int | None = None) -> list[Entry]:
        """Return so many entries, the newest first.

        Args:
            before: only entries with a smaller number.
        """
        query = sa.select(t).order_by(t.c.number.desc()).limit(limit)
        query = query if before is None else query.where(t.c.number < before)
        with self._database.read() as connection:
            return [read_record(Entry, each) for each in connection.execute(query)]

    def find(
        self, subjects: Collection[str], actions: Collection[str], *, limit: int, look_back: int
    ) -> list[Entry]:
        """Return the newest entries of these actions about these subjects, the newest first.

        Args:
            look_back: how many of the newest entries are looked at, so that a long log costs no more.
        """
        last = sa.select(sa.func.max(t.c.number)).scalar_subquery()
        near = (t.c.number > last - look_back, t.c.subject.in_(subjects), t.c.action.in_(actions))
        query = sa.select(t).where(*near).order_by(t.c.number.desc()).limit(limit)
        with self._database.read() as connection:
            return [read_record(Entry, each) for each in connection.execute(query)]

    def verify(self) -> Entry | None:
        """Compute every hash again, and return the last entry.

        Raises:
            StateError: an entry was changed, added or deleted behind our back; the first one is named.
        """
        last: Entry | None = None
        while rows := self._read_after(last.number if last else 0):
            for entry in rows:
                self._verify_one(entry, last)
                last = entry
        return last

    def _read_after(self, number: int) -> list[Entry]:
        query = sa.select(t).where(t.c.number > number).order_by(t.c.number).limit(READ_AT_ONCE)
        with self._database.read() as connection:
            return [read_record(Entry, each) for each in connection.execute(query)]

    def _verify_one(self, entry: Entry, last: Entry | None) -> None:
        number, previous = (last.number + 1, last.hash) if last else (1, FIRST)
        texts = [entry.at, entry.user, entry.action, entry.subject, entry.details]
        if (entry.number, entry.previous, entry.hash) != (number, previous, _hash(number, texts, previous)):
            hint = "compare it with a backup of the database; the entries after it prove nothing"
            raise StateError(
                f"{self._database.place}: entry {number} of the audit log was changed", hint=hint
            )


def _lock(connection: sa.Connection) -> None:
    """Let one writer after the other read the last entry; SQLite has one writer in any case."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE audit IN EXCLUSIVE MODE")


def _hash(number: int, texts: list[str], previous: str) -> str:
    return hashlib.sha256(json.dumps([number, *texts, previous]).encode()).hexdigest()
