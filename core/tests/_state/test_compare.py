"""A page of a listing is compared by the database; the rule for one row decides what is right."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from damlink._model import SourceAsset
from damlink._state.compare import Comparison, compare
from damlink._state.database import Database
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed, Tally
from damlink._state.rows import REFUSED, RowState
from damlink._state.tables import ledger as t

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = list(itertools.product(RowState, ("a", "b", REFUSED), (None, "a", "b")))


@contextlib.contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Collect the statements that are executed."""
    statements: list[str] = []

    def note(connection: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("reconsider", [False, True])
def test_compare_when_rows_are_of_any_kind_leaves_out_exactly_the_unchanged_ones(
    database: Database, ledger: Ledger, reconsider: bool
) -> None:
    same = {"connector": "stock", "title": "", "raw": "{}", "listed_at": NOW, "updated_at": NOW}
    rows = [
        same | {"source_id": str(at), "state": state, "fingerprint_seen": seen, "fingerprint_after": after}
        for at, (state, seen, after) in enumerate(ROWS)
    ]
    with database.write() as connection:
        connection.execute(sa.insert(t), rows)
    assets = [SourceAsset(str(number), "a") for number in range(len(ROWS) + 2)]
    found = {str(len(ROWS)): "in the portal"}
    known = ledger.find([asset.source_id for asset in assets])
    right = {
        asset.source_id: compare(known.get(asset.source_id), asset, found, reconsider=reconsider)
        for asset in assets
    }
    differing = ledger.compare(Listed(assets, found=found, reconsider_skipped=reconsider))
    assert {each.asset.source_id: each.comparison for each in differing} == {
        key: each for key, each in right.items() if each is not Comparison.UNCHANGED
    }
    assert {each.asset.source_id: each.row for each in differing if each.row} == {
        each.asset.source_id: known[each.asset.source_id] for each in differing if each.row
    }


@pytest.mark.parametrize("when", ["new", "changed", "unchanged"])
def test_record_when_a_batch_is_long_needs_no_more_statements(
    database: Database, ledger: Ledger, when: str
) -> None:
    ledger.record(Listed([SourceAsset(f"{when} {number}", "a") for number in range(500)]), "s")
    batches = [
        [SourceAsset(f"{when} {number}" + "x" * (when == "new"), fingerprint) for number in numbers]
        for numbers, fingerprint in ((range(1), when), (range(1, 500), when))
    ]
    if when == "unchanged":
        batches = [[SourceAsset(asset.source_id, "a") for asset in batch] for batch in batches]
    with counted(database) as one:
        ledger.record(Listed(batches[0]), "s")
    with counted(database) as many:
        assert ledger.record(Listed(batches[1]), "s") == Tally(**{when: 499})
    assert len(many) == len(one)


ODD = [
    '"',
    "\\",
    "\\u0041",
    "\n",
    "\x01",
    "ä",
    "\N{GRINNING FACE}",
    "{}",
    "[1]",
    "null",
    "5",
    "'",
    "%s",
    "a,b",
    " ",
]


def test_record_when_texts_are_odd_finds_them_again_as_they_are(ledger: Ledger) -> None:
    assets = [SourceAsset(each, each, each, {each: each}) for each in ODD]
    assert ledger.record(Listed(assets), "s") == Tally(new=len(ODD))
    assert ledger.record(Listed(assets), "s") == Tally(unchanged=len(ODD))
    kept = ledger.find(ODD)
    assert [kept[each].source for each in ODD] == assets
