"""Figures of the last days for charts: deliveries, how assets ended, and how long events took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import attrs

from damlink._console.desk import Desk
from damlink._state.latencies import Latencies
from damlink._state.runs import read_totals

__all__ = ["DAYS", "count_by_day", "measure_by_day"]

DAYS: Final = 14
# Of many connectors that run often, the newest runs have to do.
MOST_RUNS: Final = 2000


def count_by_day(desk: Desk, connector: str | None = None) -> list[Mapping[str, Any]]:
    """Return assets, bytes and outcomes of each of the last days, today last.

    Args:
        connector: of this one; of all if not given.
    """
    days = _last_days(desk)
    sent: Counter[Any] = Counter()
    outcomes: dict[Any, Counter[str]] = {day: Counter() for day in days}
    for at, totals in read_totals(desk.database, desk.now() - timedelta(days=DAYS), MOST_RUNS, connector):
        if at.date() in outcomes:
            sent[at.date()] += int(totals.get("bytes", 0))
            outcomes[at.date()].update(totals.get("outcomes", {}))
    return [
        {
            "day": day.isoformat(),
            "assets": outcomes[day].get("pushed", 0),
            "bytes": sent[day],
            "outcomes": dict(outcomes[day]),
        }
        for day in days
    ]


def measure_by_day(desk: Desk) -> list[Mapping[str, Any]]:
    """Return how long deliveries of each of the last days took from the event, in seconds, today last."""
    days = _last_days(desk)
    found = Latencies(desk.database).read(days[0])
    none = {"count": 0, "p50": None, "p95": None}
    measured = {day: attrs.asdict(each) for day, each in found.items()}
    return [{"day": day.isoformat(), **measured.get(day.isoformat(), none)} for day in days]


def _last_days(desk: Desk) -> list[date]:
    today = desk.now().date()
    return [today - timedelta(days=before) for before in reversed(range(DAYS))]
