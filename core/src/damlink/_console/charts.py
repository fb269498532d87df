"""Figures of the last days for the charts of a page: deliveries of runs, and how their assets ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from damlink._console.desk import Desk
from damlink._state.runs import read_totals

__all__ = ["DAYS", "count_by_day"]

DAYS: Final = 14
# Of many connectors that run often, the newest runs have to do.
MOST_RUNS: Final = 2000


def count_by_day(desk: Desk, connector: str | None = None) -> list[Mapping[str, Any]]:
    """Return assets, bytes and outcomes of each of the last days, today last.

    Args:
        connector: of this one; of all if not given.
    """
    today = desk.now().date()
    days = [today - timedelta(days=before) for before in reversed(range(DAYS))]
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
