"""Decisions of a person beside a run: they change what nobody carries, or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from ledger_rows import claim, find

from damlink._model import PushResult, Removed, SourceAsset
from damlink._state.database import Database
from damlink._state.decisions import Decisions
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.rows import Row, RowState
from damlink.errors import RunActiveError

NewRun = Callable[..., Ledger]
ACTS: dict[str, Callable[[Ledger, Row], Any]] = {
    "revive": lambda ledger, row: ledger.revive(row),
    "pushed": lambda ledger, row: ledger.mark_pushed(row, PushResult("T1")),
    "removed": lambda ledger, row: ledger.mark_removed(row, Removed("gone"), None),
    "skipped": lambda ledger, row: ledger.mark_skipped(row, "by hand"),
    "checkpoint": lambda ledger, row: ledger.checkpoint(row, b"sealed"),
}
MOMENTS = {
    "claimed": lambda run: claim(run),
    "claimed-and-failed-again": lambda run: run.mark_failed(claim(run), "again"),
    "claimed-and-uncertain-again": lambda run: run.mark_uncertain(claim(run), "again"),
}


@pytest.fixture
def run(new_run: NewRun) -> Ledger:
    """A run that has left one uncertain row."""
    run = new_run()
    run.record(Listed([SourceAsset("1", "v1", "one")]), "all")
    run.mark_uncertain(claim(run), "no answer")
    return run


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_decision_when_nobody_carries_the_row_is_done_beside_a_run(
    database: Database, run: Ledger, act: Any
) -> None:
    before = find(run)
    act(Decisions(database, "stock"), before)
    assert find(run) != before


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
@pytest.mark.parametrize("happens", MOMENTS.values(), ids=list(MOMENTS))
def test_decision_when_the_row_was_claimed_since_it_was_read_changes_nothing(
    database: Database, run: Ledger, happens: Any, act: Any
) -> None:
    read = find(run)
    Decisions(database, "stock").revive(read)
    happens(run)
    now = find(run)
    with pytest.raises(RunActiveError, match="is being carried, or was changed meanwhile"):
        act(Decisions(database, "stock"), read)
    assert find(run) == now


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_decision_when_the_row_is_read_while_it_is_carried_changes_nothing(
    database: Database, run: Ledger, act: Any
) -> None:
    Decisions(database, "stock").revive(find(run))
    carried = claim(run)
    with pytest.raises(RunActiveError):
        act(Decisions(database, "stock"), find(run))
    assert find(run) == carried


def test_decisions_when_two_people_disagree_only_the_first_counts(database: Database, run: Ledger) -> None:
    read = find(run)
    Decisions(database, "stock").mark_pushed(read, PushResult("T1"))
    with pytest.raises(RunActiveError):
        Decisions(database, "stock").revive(read)
    assert find(run).state is RowState.PUSHED


def test_decisions_when_made_while_a_run_claims_never_take_a_row_from_it(
    database: Database, new_run: NewRun
) -> None:
    run, decisions = new_run(), Decisions(database, "stock")
    items = [SourceAsset(str(number), "v1", "one of many") for number in range(40)]
    run.record(Listed(items), "all")
    taken: list[str] = []

    def decide() -> None:
        for row in list(decisions.rows(RowState.DUE)):
            _skip_if_free(decisions, row, taken)

    person = threading.Thread(target=decide)
    person.start()
    carried = []
    while (row := run.claim()) is not None:
        run.mark_pushed(row, PushResult(f"T{row.source_id}"))
        carried.append(row.source_id)
    person.join(60)
    assert sorted(carried + taken) == sorted(each.source_id for each in items)
    assert {row.source_id for row in run.rows(RowState.SKIPPED)} == set(taken)


def _skip_if_free(decisions: Decisions, row: Row, taken: list[str]) -> None:
    try:
        decisions.mark_skipped(row, "by hand")
    except RunActiveError:
        return
    taken.append(row.source_id)
