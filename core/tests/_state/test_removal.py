"""Removals at the source in the ledger: known rows become due, others stay unknown, none is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ledger_rows import claim, find

from damlink._model import PushResult, Removed, SourceAsset
from damlink._state.database import Database
from damlink._state.history import History
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed, Tally
from damlink._state.merge import merge
from damlink._state.rows import Row, RowState, as_listed

NewRun = Callable[..., Ledger]
LEAVES: dict[str, Callable[[Ledger, Row], object]] = {
    "pushed": lambda ledger, row: ledger.mark_pushed(row, PushResult("portal-1", fingerprint_after="own")),
    "skipped": lambda ledger, row: ledger.mark_skipped(row, "a draft"),
    "rejected": lambda ledger, row: ledger.mark_rejected(row, "no file"),
    "failed": lambda ledger, row: ledger.mark_failed(row, "broken"),
    "removed": lambda ledger, row: ledger.mark_removed(row, Removed("1", "expired"), PushResult("portal-1")),
}


def list_one(ledger: Ledger, fingerprint: str = "a") -> Tally:
    return ledger.record(Listed([SourceAsset("1", fingerprint, "Beach", {"id": 1})]), "s")


def remove(ledger: Ledger, reason: str = "archived") -> Tally:
    return ledger.record(Listed([as_listed(Removed("1", reason))]), "s")


@pytest.mark.parametrize("state", LEAVES)
def test_removal_when_its_row_is_at_rest_makes_it_due_with_title_and_record(
    ledger: Ledger, state: str
) -> None:
    list_one(ledger)
    LEAVES[state](ledger, claim(ledger))
    assert remove(ledger).changed == 1
    row = claim(ledger)
    assert (row.removal, row.source.title, row.source.raw) == (Removed("1", "archived"), "Beach", {"id": 1})
    assert row.reason == "removed at the source: archived"


@pytest.mark.parametrize("way", ["listing", "event"])
def test_removal_when_nothing_is_known_of_the_asset_is_ignored(
    ledger: Ledger, database: Database, way: str
) -> None:
    removal = as_listed(Removed("1", "archived"))
    if way == "listing":
        assert ledger.record(Listed([removal]), "s").unchanged == 1
    else:
        with database.write() as connection:
            merge(connection, "stock", [removal], database.now())
    assert ledger.counts() == {}


def test_removal_when_carried_and_listed_again_is_unchanged(ledger: Ledger) -> None:
    list_one(ledger)
    LEAVES["pushed"](ledger, claim(ledger))
    remove(ledger)
    row = claim(ledger)
    assert ledger.mark_removed(row, Removed("1", "archived"), None) == "archived"
    assert remove(ledger).unchanged == 1
    found = find(ledger)
    assert (found.state, found.reason, found.previous) == (RowState.REMOVED, "archived", None)
    assert ledger.counts() == {"removed": 1}


def test_removal_when_the_target_keeps_the_asset_says_so_and_remembers_it(ledger: Ledger) -> None:
    list_one(ledger)
    LEAVES["pushed"](ledger, claim(ledger))
    remove(ledger)
    ledger.mark_removed(claim(ledger), Removed("1", "archived"), PushResult("portal-1", notice="hidden"))
    row = find(ledger)
    assert row.reason == "archived; the target keeps portal-1; hidden"
    assert row.previous is not None


@pytest.mark.parametrize("fingerprint", ["a", "own", "b"])
@pytest.mark.parametrize("is_carried", [True, False], ids=["carried", "not carried yet"])
def test_asset_when_offered_again_after_its_removal_is_due(
    ledger: Ledger, fingerprint: str, is_carried: bool
) -> None:
    list_one(ledger)
    LEAVES["pushed"](ledger, claim(ledger))
    remove(ledger)
    if is_carried:
        ledger.mark_removed(claim(ledger), Removed("1", "archived"), PushResult("portal-1"))
    assert list_one(ledger, fingerprint).changed == 1
    row = claim(ledger)
    assert (row.removal, row.carrying) == (None, fingerprint)


def test_removal_when_listed_during_the_transfer_is_carried_afterwards(ledger: Ledger) -> None:
    list_one(ledger)
    row = claim(ledger)
    remove(ledger)
    LEAVES["pushed"](ledger, row)
    assert claim(ledger).removal == Removed("1", "archived")


def test_removal_when_the_asset_is_offered_again_meanwhile_is_followed_by_it(ledger: Ledger) -> None:
    list_one(ledger)
    LEAVES["pushed"](ledger, claim(ledger))
    remove(ledger)
    row = claim(ledger)
    list_one(ledger, "b")
    ledger.mark_removed(row, Removed("1", "archived"), None)
    following = claim(ledger)
    assert (following.carrying, following.previous) == ("b", None)


def test_removal_when_found_by_the_transform_makes_a_later_listing_due(ledger: Ledger) -> None:
    list_one(ledger)
    ledger.mark_removed(claim(ledger), Removed("1", "deleted"), None)
    assert list_one(ledger).changed == 1


def test_removal_when_its_checkpoint_is_kept_finishes_what_was_begun_first(ledger: Ledger) -> None:
    list_one(ledger)
    row = claim(ledger)
    ledger.checkpoint(row, b"sealed")
    remove(ledger)
    ledger.mark_failed(row, "broken")
    ledger.revive(find(ledger))
    assert claim(ledger).removal is None


def test_removal_when_carried_is_in_the_history(ledger: Ledger, database: Database) -> None:
    list_one(ledger)
    LEAVES["pushed"](ledger, claim(ledger))
    remove(ledger)
    ledger.mark_removed(claim(ledger), Removed("1", "archived"), None)
    states = [(each.to_state, each.cause) for each in History(database, "stock").read("1")]
    assert states == [("pushed", ""), ("due", "changed"), ("removed", "archived")]


def test_removals_of_other_connectors_are_left_alone(new_run: NewRun) -> None:
    ours, others = new_run("stock"), new_run("other")
    for ledger in (ours, others):
        list_one(ledger)
        LEAVES["pushed"](ledger, claim(ledger))
    remove(ours)
    assert (ours.counts(), others.counts()) == ({"due": 1}, {"pushed": 1})
