"""Counters and history follow the rows, whatever changes them; both databases."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import Time, of_version

from damlink._model import PushResult, SourceAsset
from damlink._state.database import Database
from damlink._state.history import KEPT, History
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.rows import Row, RowState
from damlink._state.runs import Runs
from damlink._state.tables import counter
from damlink._state.tables import ledger as t
from damlink._state.triggers import recount

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def count_rows(database: Database, connector: str) -> dict[str, int]:
    query = sa.select(t.c.state, sa.func.count()).where(t.c.connector == connector).group_by(t.c.state)
    with database.read() as connection:
        return {state: number for state, number in connection.execute(query)}  # noqa: C416 - rows, not pairs


def listed(*ids: str, fingerprint: str = "a", **options: Any) -> Listed:
    return Listed([SourceAsset(each, fingerprint) for each in ids], **options)


def claimed(ledger: Ledger) -> Row:
    row = ledger.claim()
    assert row is not None
    return row


CHANGES: dict[str, Callable[[Ledger, Row], Any]] = {
    "record new": lambda ledger, row: ledger.record(listed("8", "9"), "s"),
    "record found": lambda ledger, row: ledger.record(listed("8", "9", found={"9": "x"}), "s"),
    "record changed": lambda ledger, row: ledger.record(listed("0", "1", "2", fingerprint="b"), "s"),
    "reconsider": lambda ledger, row: ledger.record(listed("1", reconsider_skipped=True), "s"),
    "refuse new": lambda ledger, row: ledger.refuse("9", None, "", "odd"),
    "refuse known": lambda ledger, row: ledger.refuse("1", "b", "", "odd"),
    "claim": lambda ledger, row: ledger.claim(),
    "pushed": lambda ledger, row: ledger.mark_pushed(row, PushResult("x")),
    "skipped": lambda ledger, row: ledger.mark_skipped(row, "why"),
    "rejected": lambda ledger, row: ledger.mark_rejected(row, "why"),
    "failed": lambda ledger, row: ledger.mark_failed(row, "why"),
    "waiting": lambda ledger, row: ledger.mark_waiting(row, "why", timedelta(hours=1)),
    "uncertain": lambda ledger, row: ledger.mark_uncertain(row, "why"),
    "revive": lambda ledger, row: ledger.revive(row),
    "retarget": lambda ledger, row: ledger.retarget(drops_checkpoints=True),
    "release": lambda ledger, row: ledger.release(),
    "forget": lambda ledger, row: ledger.forget(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_counts_after_any_change_are_the_number_of_rows(
    database: Database, ledger: Ledger, change: Callable[[Ledger, Row], Any]
) -> None:
    ledger.record(listed("0", "1", "2", "3", "4", "5"), "s")
    ledger.mark_pushed(claimed(ledger), PushResult("x"))
    ledger.mark_skipped(claimed(ledger), "why")
    ledger.mark_rejected(claimed(ledger), "why")
    row = claimed(ledger)
    change(ledger, row)
    assert ledger.counts() == count_rows(database, "stock")


def test_counts_when_a_sibling_delivers_are_the_number_of_rows(
    database: Database, new_run: Callable[..., Ledger]
) -> None:
    first, second = new_run("first", siblings=["second"]), new_run("second", siblings=["first"])
    for ledger in (first, second):
        ledger.record(listed("1", "2"), "s")
    row = claimed(first)
    assert claimed(second).source_id == "2"
    first.mark_pushed(row, PushResult("x"))
    assert second.claim() is None
    assert (first.counts(), second.counts()) == (
        count_rows(database, "first"),
        count_rows(database, "second"),
    )


def test_counts_when_a_change_is_rolled_back_stay(database: Database, ledger: Ledger) -> None:
    ledger.record(listed("1", "2"), "s")
    with contextlib.suppress(ZeroDivisionError), database.write() as connection:
        connection.execute(sa.delete(t))
        raise ZeroDivisionError
    assert ledger.counts() == {"due": 2}


def test_counts_when_several_threads_change_rows_are_the_number_of_rows(
    database: Database, ledger: Ledger, together: Callable[..., list[Any]]
) -> None:
    ledger.record(listed(*map(str, range(60))), "s")
    together(6, lambda who: [ledger.mark_pushed(claimed(ledger), PushResult("x")) for _ in range(8)])
    assert ledger.counts() == count_rows(database, "stock") == {"due": 12, "pushed": 48}


def test_recount_when_the_counters_are_wrong_mends_them(database: Database, ledger: Ledger) -> None:
    ledger.record(listed("1", "2"), "s")
    with database.write() as connection:
        connection.execute(sa.update(counter).values(count=7))
        recount(connection)
    assert ledger.counts() == {"due": 2}


# --- history ---------------------------------------------------------------------------------------


def test_history_when_an_asset_fails_and_then_arrives_tells_both(
    database: Database, ledger: Ledger, time_: Time
) -> None:
    runs = Runs(database, "stock")
    run = runs.begin(1)
    ledger.record(listed("1"), "s")
    ledger.mark_failed(claimed(ledger), "503 of the portal")
    time_.pass_by(hours=1)
    ledger.mark_pushed(claimed(ledger), PushResult("x", notice="may have been charged twice"))
    runs.end(run, 0, {})
    ledger.record(listed("1", fingerprint="b"), "s")
    changes = History(database, "stock").read("1")
    assert [(each.run, each.from_state, each.to_state, each.cause) for each in changes] == [
        (run, "running", "failed", "503 of the portal"),
        (run, "running", "pushed", "may have been charged twice"),
        (None, "pushed", "due", "changed"),
    ]
    assert [time_.now - each.at for each in changes] == [timedelta(hours=1), timedelta(), timedelta()]


def test_history_when_an_asset_is_listed_and_claimed_only_is_empty(
    database: Database, ledger: Ledger
) -> None:
    ledger.record(listed("1"), "s")
    ledger.record(listed("1"), "s")
    claimed(ledger)
    assert History(database, "stock").read("1") == []


REQUESTS = '[{"method": "GET", "route": "portal/a", "status": 503}]'


@pytest.mark.parametrize("state", ["failed", "rejected", "uncertain"])
def test_history_when_an_asset_fails_has_its_requests(database: Database, ledger: Ledger, state: str) -> None:
    ledger.record(listed("1"), "s")
    getattr(ledger, f"mark_{state}")(claimed(ledger), "why", REQUESTS)
    (change,) = History(database, "stock").read("1")
    assert (change.to_state, change.cause, change.requests) == (state, "why", json.loads(REQUESTS))


def test_history_when_old_is_pruned(database: Database, ledger: Ledger, time_: Time) -> None:
    history = History(database, "stock")
    ledger.record(listed("1"), "s")
    ledger.mark_failed(claimed(ledger), "old")
    time_.pass_by(hours=1)
    ledger.mark_failed(claimed(ledger), "new")
    time_.now += KEPT - timedelta(hours=1)
    history.prune()
    assert len(history.read("1")) == 2
    time_.pass_by(minutes=1)
    history.prune()
    assert [each.cause for each in history.read("1")] == ["new"]


def test_database_of_an_earlier_version_has_its_rows_counted(empty_url: str, tmp_path: Path) -> None:
    engine = of_version(empty_url, "0005")
    with engine.begin() as connection:
        values = {"connector": "stock", "title": "", "raw": "{}", "fingerprint_seen": "a"}
        values |= {"listed_at": NOW, "updated_at": NOW}
        rows = [values | {"source_id": str(at), "state": state} for at, state in enumerate(RowState)]
        connection.execute(sa.insert(t), rows)
    engine.dispose()
    with contextlib.closing(Database(empty_url, tmp_path)) as upgraded:
        assert Ledger(upgraded, "stock").counts() == Counter(RowState)
