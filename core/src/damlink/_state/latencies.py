"""Times from the receipt of an event to the delivery that it has caused, as a histogram of each day."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import attrs
import sqlalchemy as sa

from damlink._state.conflicts import repeat_conflicts
from damlink._state.database import Database, insert_into, upsert
from damlink._state.rows import RowState
from damlink._state.tables import UtcDateTime, history, ledger
from damlink._state.tables import awaited as waits
from damlink._state.tables import latency as t

__all__ = ["Latencies", "Latency", "note_awaited"]

# A bucket ends at a fifth more than the one before: a quantile is that exact. The last one has no end.
SHORTEST_SECONDS: Final = 0.1
STEP: Final = 1.2
LAST_BUCKET: Final = 100
AT_ONCE: Final = 1000
# What an event has made due and is not delivered by then is of no interest to a chart.
ABANDONED: Final = timedelta(days=7)
KEPT: Final = timedelta(days=90)
_UNDELIVERED: Final = (RowState.DUE, RowState.RUNNING, RowState.FAILED, RowState.WAITING)


@attrs.frozen
class Latency:
    """Deliveries of one day that events have caused.

    Attributes:
        count: of the deliveries.
        p50: seconds from the receipt of the event in which half of them were done, to a fifth.
        p95: likewise for 95 of 100.
    """

    count: int
    p50: float
    p95: float


def note_awaited(connection: sa.Connection, received: Mapping[tuple[str, str], datetime]) -> None:
    """Store when the event was received that has made each row due; an earlier one counts.

    Args:
        received: by connector and source id. Rows that are not to be carried are left out.
    """
    groups: dict[tuple[str, datetime], list[str]] = defaultdict(list)
    for (connector, source_id), at in received.items():
        groups[connector, at].append(source_id)
    columns = (waits.c.connector, waits.c.source_id, waits.c.received_at)
    for (connector, at), ids in sorted(groups.items()):
        for first in range(0, len(ids), AT_ONCE):
            own = (ledger.c.connector == connector, ledger.c.source_id.in_(ids[first : first + AT_ONCE]))
            due = sa.select(ledger.c.connector, ledger.c.source_id, sa.literal(at, UtcDateTime))
            due = due.where(*own, ledger.c.state.in_(_UNDELIVERED)).order_by(ledger.c.source_id)
            new = insert_into(connection, waits).from_select(columns, due)
            connection.execute(new.on_conflict_do_nothing())


@repeat_conflicts
class Latencies:
    """Histograms of all connectors."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._after = ("", "")

    def fold(self) -> int:
        """Count what has been delivered since, of the next awaited rows; return how many have ended.

        Each call looks at so many rows, and the next one goes on: rows that wait long hold up no others.
        """
        with self._database.read() as connection:
            found = self._next(connection)
        self._after = tuple(found[-1][:2]) if len(found) == AT_ONCE else ("", "")
        ended = [each for each in found if each.ended_at is not None]
        if ended:
            with self._database.write() as connection:
                _count(connection, [each for each in ended if each.to_state == RowState.PUSHED])
                for each in ended:
                    own = (waits.c.connector == each.connector, waits.c.source_id == each.source_id)
                    connection.execute(sa.delete(waits).where(*own))
        return len(ended)

    def _next(self, connection: sa.Connection) -> list[Any]:
        """Return the next awaited rows, each with its first end since the event."""
        line = history.alias("line")
        same = (line.c.connector == waits.c.connector, line.c.source_id == waits.c.source_id)
        is_end = (line.c.to_state.not_in(_UNDELIVERED), line.c.at >= waits.c.received_at)
        first = sa.select(sa.func.min(line.c.id)).where(*same, *is_end).correlate(waits).scalar_subquery()
        key = (waits.c.connector, waits.c.source_id)
        query = sa.select(waits, history.c.to_state, history.c.at.label("ended_at"))
        query = query.select_from(waits.outerjoin(history, history.c.id == first))
        query = query.where(sa.tuple_(*key) > sa.tuple_(*self._after)).order_by(*key).limit(AT_ONCE)
        return list(connection.execute(query))

    def prune(self) -> None:
        """Delete what is too old for a chart."""
        now = self._database.now()
        with self._database.write() as connection:
            connection.execute(sa.delete(waits).where(waits.c.received_at < now - ABANDONED))
            connection.execute(sa.delete(t).where(t.c.day < (now - KEPT).date().isoformat()))

    def read(self, since: date, connector: str | None = None) -> dict[str, Latency]:
        """Return the latencies of each day since one that has any, of one connector or of all."""
        mine = [] if connector is None else [t.c.connector == connector]
        query = sa.select(t.c.day, t.c.bucket, sa.func.sum(t.c.count)).where(
            t.c.day >= since.isoformat(), *mine
        )
        days: dict[str, Counter[int]] = defaultdict(Counter)
        with self._database.read() as connection:
            for day, bucket, count in connection.execute(query.group_by(t.c.day, t.c.bucket)):
                days[day][bucket] += int(count)
        return {day: _summarize(counts) for day, counts in days.items()}


def _count(connection: sa.Connection, delivered: Iterable[Any]) -> None:
    counts = Counter((each.connector, *_place_of(each)) for each in delivered)
    for (connector, day, bucket), count in sorted(counts.items()):
        new = {"connector": connector, "day": day, "bucket": bucket, "count": count}
        upsert(connection, t, new, {"count": t.c.count + count})


def _place_of(each: Any) -> tuple[str, int]:
    """Return the day and the bucket of a delivery."""
    seconds = (each.ended_at - each.received_at).total_seconds()
    bucket = math.ceil(math.log(max(seconds, SHORTEST_SECONDS) / SHORTEST_SECONDS, STEP))
    return each.ended_at.date().isoformat(), min(bucket, LAST_BUCKET)


def _summarize(counts: Mapping[int, int]) -> Latency:
    total = sum(counts.values())
    ordered = sorted(counts.items())
    return Latency(total, _quantile(ordered, total * 0.50), _quantile(ordered, total * 0.95))


def _quantile(counts: Sequence[tuple[int, int]], wanted: float) -> float:
    """Return the end of the bucket in which so many deliveries are reached."""
    reached = itertools.accumulate(count for _bucket, count in counts)
    bucket = next(bucket for (bucket, _count), sofar in zip(counts, reached, strict=True) if sofar >= wanted)
    return SHORTEST_SECONDS * STEP**bucket
