from __future__ import annotations

from collections.abc import Callable

import pytest

from damlink._model import PushResult, Removed, SourceAsset
from damlink._state import deliveries
from damlink._state.database import Database
from damlink._state.deliveries import Deliveries
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.rows import Row


@pytest.fixture
def seen(database: Database) -> Deliveries:
    return Deliveries(database, "stock")


def carry(ledger: Ledger, *ids: str, end: Callable[[Ledger, Row], object]) -> None:
    ledger.record(Listed([SourceAsset(each, "a", f"title of {each}") for each in ids]), "s")
    while (row := ledger.claim()) is not None:
        end(ledger, row)


def push(ledger: Ledger, row: Row) -> None:
    ledger.mark_pushed(row, PushResult(f"portal-{row.source_id}", "https://brand.example"))


def test_entry_when_pushed_is_found_by_either_id(ledger: Ledger, seen: Deliveries) -> None:
    carry(ledger, "1", "2", end=push)
    entry = seen.get("1")
    assert entry is not None
    assert entry == seen.find_target("portal-1")
    assert (entry.source_id, entry.title, entry.state, entry.fingerprint) == (
        "1",
        "title of 1",
        "pushed",
        "a",
    )
    assert (entry.target_id, entry.result) == ("portal-1", PushResult("portal-1", "https://brand.example"))


def test_entry_when_nothing_was_delivered_has_no_result(ledger: Ledger, seen: Deliveries) -> None:
    carry(ledger, "1", end=lambda ledger, row: ledger.mark_skipped(row, "a draft"))
    entry = seen.get("1")
    assert entry is not None
    assert (entry.state, entry.target_id, entry.result) == ("skipped", "", None)
    assert list(seen.list_delivered()) == []


def test_entry_when_unknown_or_of_another_connector_is_none(
    new_run: Callable[..., Ledger], seen: Deliveries
) -> None:
    carry(new_run("other"), "1", end=push)
    assert (seen.get("1"), seen.find_target("portal-1"), list(seen.list_delivered())) == (None, None, [])


@pytest.mark.parametrize(
    ("kept", "delivered"), [(None, []), (PushResult("portal-1"), ["1"])], ids=["gone", "kept"]
)
def test_entry_when_removed_is_delivered_if_the_target_keeps_it(
    ledger: Ledger, seen: Deliveries, kept: PushResult | None, delivered: list[str]
) -> None:
    carry(ledger, "1", end=lambda ledger, row: ledger.mark_removed(row, Removed("1"), kept))
    assert [each.source_id for each in seen.list_delivered()] == delivered
    entry = seen.get("1")
    assert entry is not None
    assert entry.state == "removed"


def test_delivered_when_there_are_pages_yields_all_in_order(
    ledger: Ledger, seen: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "PAGE", 3)
    ids = [f"{number:02}" for number in range(9)]
    carry(ledger, *ids, end=push)
    assert [each.source_id for each in seen.list_delivered()] == ids
