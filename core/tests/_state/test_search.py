"""Rows are found by state, cause and text, and causes are counted over all rows."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from ledger_rows import claim

from damlink._model import SourceAsset
from damlink._state.database import Database
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.rows import RowState
from damlink._state.search import Filter, Search

TITLES = {"1": "half % wool", "2": "Über", "3": "wool", "4": "silk"}


@pytest.fixture
def search(database: Database) -> Search:
    with Lease(database, "stock") as lease:
        ledger = Ledger(database, "stock", lease.epoch)
        ledger.record(Listed([SourceAsset(key, "v1", title) for key, title in TITLES.items()]), "all")
        for _ in range(2):
            row = claim(ledger)
            ledger.mark_rejected(row, f"asset {row.source_id} is too large")
        ledger.mark_uncertain(claim(ledger), "no answer")
    return Search(database, "stock")


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Filter(), "1234"),
        (Filter(state=RowState.REJECTED), "12"),
        (Filter(cause="asset … is too large"), "12"),
        (Filter(search="WOOL"), "13"),
        (Filter(search="%"), "1"),
        (Filter(search="_"), ""),
        (Filter(search="4"), "4"),
        (Filter(state=RowState.UNCERTAIN, search="wool"), "3"),
    ],
    ids=["all", "state", "cause", "title", "percent", "underline", "id", "both"],
)
def test_find_when_filtered_returns_those_rows(search: Search, wanted: Filter, ids: str) -> None:
    assert "".join(row.source_id for row in search.find(wanted, limit=10)) == ids


def test_find_when_paged_goes_on_where_it_ended(search: Search) -> None:
    pages = [search.find(Filter(), limit=3, offset=offset) for offset in (0, 3)]
    assert [row.source_id for page in pages for row in page] == list("1234")


def test_causes_when_the_id_is_the_only_difference_are_counted_together(search: Search) -> None:
    found = [(each.state, each.cause, each.count) for each in search.causes(10)]
    assert found == [("rejected", "asset … is too large", 2), ("uncertain", "no answer", 1)]


def test_causes_when_of_one_state_are_those_alone(search: Search) -> None:
    assert [each.cause for each in search.causes(10, [RowState.UNCERTAIN])] == ["no answer"]


def walk(search: Search, wanted: Filter, **options: Any) -> list[str]:
    """Go on until all rows were looked at; return the ids on each page."""
    pages, found = [], search.walk(wanted, **options)
    pages.append("".join(row.source_id for row in found.rows))
    while found.after is not None:
        found = search.walk(wanted, after=found.after, **options)
        pages.append("".join(row.source_id for row in found.rows))
    return pages


def test_walk_when_followed_meets_each_matching_row_once(search: Search) -> None:
    assert walk(search, Filter(search="wool"), limit=1) == ["1", "3", ""]


def test_walk_when_there_is_no_time_looks_at_a_slice_and_says_where_it_ended(search: Search) -> None:
    assert walk(search, Filter(search="wool"), limit=9, seconds=0, at_once=2) == ["1", "3", ""]


@pytest.mark.parametrize(
    ("days", "count"), [({"since": date(2999, 1, 1)}, 0), ({"until": date(2999, 1, 1)}, 4)]
)
def test_find_when_filtered_by_days_returns_what_changed_then(
    search: Search, days: dict[str, Any], count: int
) -> None:
    assert len(search.find(Filter(**days), limit=10)) == count
