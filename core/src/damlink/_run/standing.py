"""Standing of a connector: its last and next run, its counts, and why assets were not carried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from damlink._config.duration import Duration
from damlink._run.session import Session
from damlink._state.ledger import Ledger
from damlink._state.rows import NOT_CARRIED, Row, RowState
from damlink._state.runs import RunRecord, Runs
from damlink._state.scheduling import read_scheduling
from damlink._state.search import Cause, Search
from damlink.errors import DamlinkError

__all__ = ["describe_asset", "describe_connector"]

MOST_CAUSES: Final = 3  # of each state; `damlink assets` lists all


FindCauses = Callable[[str, int, Sequence[RowState]], Sequence[Cause]]
"""Returns the causes of a connector's rows in some states, the most frequent first."""


def describe_connector(session: Session, name: str, find_causes: FindCauses | None = None) -> dict[str, Any]:
    """Return what `damlink status` tells of a connector.

    Args:
        find_causes: where the causes are known already; else the rows are asked.
    """
    config = session.config.connector(name)
    found: dict[str, Any] = {"name": name, "title": config.title, "plugin": config.plugin}
    found |= {"portal": config.portal, "enabled": config.enabled, "assets": {}, "last_run": None}
    latest, listing, is_scheduled = [], None, False
    if session.has_database:
        ledger, runs = Ledger(session.database, name), Runs(session.database, name)
        found["assets"] = ledger.counts()
        latest, listing = runs.latest(1), runs.latest_listing()
        is_scheduled = read_scheduling(session.database).covers(name)
        found["last_run"] = attrs.asdict(latest[0]) if latest else None
        error = latest[0].error if latest else ""
        found["reasons"] = list(_reasons(name, find_causes or _search(session), error, found["assets"]))
    return found | {"next_run": _next_run(session, name, listing), "schedule_kept": is_scheduled}


def _search(session: Session) -> FindCauses:
    return lambda name, limit, states: Search(session.database, name).causes(limit, states)


def _reasons(name: str, find: FindCauses, error: str, counts: dict[str, int]) -> Iterator[str]:
    """Yield the error of the last run and the causes of assets not carried, the most frequent first."""
    if error:
        yield error
    for state in (state for state in NOT_CARRIED if state in counts):
        for each in find(name, MOST_CAUSES, [state]):
            yield f"{each.count} {state}: {each.cause}"


def _next_run(session: Session, name: str, last: RunRecord | None) -> datetime | None:
    """Return the approximate moment of the next listing by `damlink serve`; `None` without an interval.

    Whether a process keeps this schedule is another question: see `schedule_kept`.
    """
    config = session.config.connector(name)
    seconds = config.every or _interval_of_plugin(session, name, last)
    if not seconds or not config.enabled:
        return None
    is_due = last is None or last.finished_at is None or last.error
    now = datetime.now(UTC)
    return now if is_due or last is None else max(now, last.started_at + timedelta(seconds=seconds))


def _interval_of_plugin(session: Session, name: str, last: RunRecord | None) -> float | None:
    """Return the interval that the last run has stored: to load the plugin takes longer than all the rest."""
    if last is not None and last.every is not None:
        return last.every

    try:
        every = session.load_plugin(name).about.every
    except DamlinkError:
        return None
    return Duration.parse(every) if every else None


def describe_asset(row: Row) -> dict[str, Any]:
    """Return what `damlink assets` tells of an asset."""
    previous = row.previous
    return {
        "source_id": row.source_id,
        "title": row.title,
        "state": row.state.value,
        "reason": row.reason,
        "last_error": row.last_error,
        "attempts": row.attempts,
        "due_at": row.due_at,
        "target_id": previous.target_id if previous else None,
        "url": previous.url if previous else None,
        "notice": previous.notice if previous else "",
        "fingerprint": row.fingerprint_seen,
        "updated_at": row.updated_at,
    }
