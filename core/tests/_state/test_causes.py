"""Causes that are kept up to date are those that the rows have, after any change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from ledger_rows import claim

from damlink._model import SourceAsset
from damlink._state.causes import Causes
from damlink._state.database import Database
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.rows import RowState
from damlink._state.search import Search

CHANGES: dict[str, Callable[[Ledger], Any]] = {
    "another fails": lambda ledger: ledger.mark_failed(claim(ledger), "no answer"),
    "another is uncertain": lambda ledger: ledger.mark_uncertain(claim(ledger), "lost"),
    "refused when listed first": lambda ledger: ledger.refuse("9", None, "", "odd"),
    "due again": lambda ledger: ledger.revive(ledger.find(["0"])["0"]),
    "changed": lambda ledger: ledger.record(Listed([SourceAsset("0", "b")]), "all"),
    "forgotten": lambda ledger: ledger.forget(),
    "nothing": lambda ledger: None,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_causes_after_any_change_are_those_of_the_rows(
    database: Database, ledger: Ledger, change: Callable[[Ledger], Any]
) -> None:
    ledger.record(Listed([SourceAsset(str(number), "a") for number in range(5)]), "all")
    ledger.mark_rejected(claim(ledger), "0 is too large")
    ledger.mark_rejected(claim(ledger), "1 is too large")
    causes = Causes()
    assert causes.read(database, "stock", 9)[0].count == 2
    change(ledger)
    assert causes.read(database, "stock", 9) == Search(database, "stock").causes(9)
    rejected = [RowState.REJECTED]
    assert causes.read(database, "stock", 9, rejected) == Search(database, "stock").causes(9, rejected)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_causes_when_read_again_read_no_line_of_the_history_before(
    database: Database, ledger: Ledger
) -> None:
    ledger.record(Listed([SourceAsset("0", "a")]), "all")
    ledger.mark_rejected(claim(ledger), "too large")
    causes = Causes()
    causes.read(database, "stock", 9)
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_others: Any) -> None:
        if "history.id >" in statement:
            statements.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    causes.read(database, "stock", 9)
    sa.event.remove(database.engine, "before_cursor_execute", note)
    ((statement, parameters),) = statements
    with database.read() as connection:
        (step,) = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    assert "USING INTEGER PRIMARY KEY (rowid>?)" in step.detail
