"""Timeline of a connector: its runs, new versions of its plugin, and what people changed, newest first."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from damlink._console.desk import Desk
from damlink._state.audit import Audit, Entry
from damlink._state.runs import RunRecord, Runs

__all__ = ["LOOK_BACK", "MOST_EVENTS", "list_events"]

MOST_EVENTS: Final = 30
# The audit log has no index but its numbers: so many of its newest entries are looked at.
LOOK_BACK: Final = 2_000
# Changes of settings, switches and sign-ins. A user or a secret may have the name of a connector: what is
# done to those is not listed here.
ACTIONS: Final = (
    *("add", "edit", "enable", "disable", "portal add", "portal edit", "write-draft"),
    *("login", "login begun", "login failed"),
)


def list_events(desk: Desk, name: str) -> list[dict[str, Any]]:
    """Return the newest events of a connector, newest first.

    Each has `at` and `kind`: `begun` and `ended` (with `run`, `exit_code` and `error`), `plugin` (with
    `distribution`, `before` and `after`), or `change` (with `number`, `user`, `action`, `subject` and
    `details`, as in the audit log).
    """
    runs = Runs(desk.database, name).latest(MOST_EVENTS)
    subjects = {name, desk.config.connectors[name].portal}
    entries = Audit(desk.database).find(subjects, ACTIONS, limit=MOST_EVENTS, look_back=LOOK_BACK)
    events = [*_list_runs(runs), *_list_upgrades(runs), *map(_describe, entries)]
    return sorted(events, key=_moment, reverse=True)[:MOST_EVENTS]


def _moment(event: dict[str, Any]) -> datetime:
    at: datetime = event["at"]
    return at


def _list_runs(runs: Sequence[RunRecord]) -> Iterator[dict[str, Any]]:
    """Yield end and beginning of each run; of the same moment, the end is the newer one."""
    for each in runs:
        if each.finished_at is not None:
            ended = {"at": each.finished_at, "kind": "ended", "run": each.id}
            yield ended | {"exit_code": each.exit_code, "error": each.error}
        yield {"at": each.started_at, "kind": "begun", "run": each.id}


def _list_upgrades(runs: Sequence[RunRecord]) -> Iterator[dict[str, Any]]:
    """Yield each change of the plugin's version between two runs; an earlier Damlink has stored none."""
    known = [(each.started_at, each.plugin_version) for each in runs if each.plugin_version]
    for (at, (name, after)), (_, (before_name, before)) in itertools.pairwise(known):
        if name == before_name and before != after:
            yield {"at": at, "kind": "plugin", "distribution": name, "before": before, "after": after}


def _describe(entry: Entry) -> dict[str, Any]:
    return {
        "at": datetime.fromisoformat(entry.at),
        "kind": "change",
        "number": entry.number,
        "user": entry.user,
        "action": entry.action,
        "subject": entry.subject,
        "details": json.loads(entry.details),
    }
