"""Past runs and the current one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database
from damlink._state.tables import read_record
from damlink._state.tables import run as t
from damlink._system.process import owner

__all__ = ["RunRecord", "Runs", "read_totals"]

KEPT: Final = 500  # of each connector


@attrs.frozen
class RunRecord:
    """One run: times, exit code and totals.

    Attributes:
        listing: whether it listed its source.
        every: interval of the connector in seconds, 0 if it had none; `None` if an earlier version ran it.
    """

    id: int
    connector: str
    started_at: datetime
    finished_at: datetime | None
    exit_code: int | None
    error: str
    totals: Mapping[str, Any]
    listing: bool = True
    every: int | None = None

    @property
    def error_type(self) -> str:
        """Name of the class of its error; empty if it had none, or an earlier version ran it."""
        return str(self.totals.get("error_type", ""))

    @property
    def plugin_version(self) -> tuple[str, str] | None:
        """Distribution and version of its plugin; `None` before its end, or if an earlier version ran it."""
        stored = self.totals.get("plugin")
        return (str(stored["distribution"]), str(stored["version"])) if stored else None


@repeat_conflicts
class Runs:
    """The runs of one connector."""

    def __init__(self, database: Database, connector: str) -> None:
        self._database = database
        self._connector = connector

    def begin(self, epoch: int, *, listing: bool = True, every: float | None = None) -> int:
        """Store the beginning of a run of a connector with this interval; return its number."""
        values = {
            "connector": self._connector,
            "epoch": epoch,
            "owner": owner(),
            "started_at": self._database.now(),
            "listing": listing,
            "every": round(every or 0),
        }
        with self._database.write() as connection:
            number = connection.execute(sa.insert(t).values(values).returning(t.c.id)).scalar_one()
            self._prune(connection)
            return int(number)

    def _prune(self, connection: sa.Connection) -> None:
        """Delete old runs, except the last one with a listing, which the schedule needs."""
        mine = t.c.connector == self._connector
        old = sa.select(t.c.id).where(mine).order_by(t.c.id.desc()).offset(KEPT).limit(KEPT)
        listed_last = sa.select(sa.func.max(t.c.id)).where(mine, t.c.listing).scalar_subquery()
        connection.execute(sa.delete(t).where(t.c.id.in_(old), t.c.id.is_distinct_from(listed_last)))

    def end(self, number: int, exit_code: int, totals: Mapping[str, Any], error: str = "") -> None:
        """Store the end of a run."""
        values = {
            "finished_at": self._database.now(),
            "exit_code": exit_code,
            "totals": json.dumps(dict(totals)),
            "error": error,
        }
        with self._database.write() as connection:
            connection.execute(sa.update(t).where(t.c.id == number).values(values))

    def latest(self, limit: int = 20) -> list[RunRecord]:
        """Return the newest runs, newest first."""
        query = sa.select(t).where(t.c.connector == self._connector).order_by(t.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return [_record(each) for each in connection.execute(query)]

    def latest_listing(self) -> RunRecord | None:
        """Return the newest run with a listing, or `None`."""
        mine = (t.c.connector == self._connector, t.c.listing)
        query = sa.select(t).where(*mine).order_by(t.c.id.desc()).limit(1)
        with self._database.read() as connection:
            found = connection.execute(query).one_or_none()
        return _record(found) if found else None


def _record(record: Any) -> RunRecord:
    return read_record(RunRecord, record, totals=json.loads(record.totals))


def read_totals(
    database: Database, since: datetime, limit: int, connector: str | None = None
) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Return beginning and totals of the newest runs since a moment, of one connector or of all."""
    mine = [] if connector is None else [t.c.connector == connector]
    query = sa.select(t.c.started_at, t.c.totals).where(t.c.started_at >= since, *mine)
    with database.read() as connection:
        found = connection.execute(query.order_by(t.c.id.desc()).limit(limit)).all()
    return [(started_at, json.loads(totals)) for started_at, totals in found]
