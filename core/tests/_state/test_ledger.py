from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from canaries import CANARY

from damlink._model import PushResult, SourceAsset
from damlink._secrets.crypto import Cipher, new_key
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.database import Database
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed, Progress, Tally
from damlink._state.rows import Row, RowState, next_round
from damlink.errors import LeaseLostError

NewRun = Callable[..., Ledger]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def assets(*ids: str, fingerprint: str = "a") -> list[SourceAsset]:
    return [SourceAsset(each, fingerprint, f"title of {each}", {"id": each}) for each in ids]


def listed(ledger: Ledger, *ids: str, fingerprint: str = "a", **options: Any) -> Tally:
    return ledger.record(Listed(assets(*ids, fingerprint=fingerprint), **options), "s")


def record(ledger: Ledger, asset: SourceAsset) -> None:
    ledger.record(Listed([asset]), "s")


def claimed(ledger: Ledger) -> Row:
    row = ledger.claim()
    assert row is not None
    return row


def state(ledger: Ledger, source_id: str = "1") -> tuple[str, str, str | None]:
    row = ledger.find([source_id])[source_id]
    return row.state.value, row.fingerprint_seen, row.fingerprint_carried


# --- listing ---------------------------------------------------------------------------------------


def test_record_when_assets_are_new_changed_or_known_tells_them_apart(ledger: Ledger) -> None:
    assert listed(ledger, "1", "2", "3") == Tally(new=3)
    assert listed(ledger, "2", fingerprint="b") == Tally(changed=1)
    assert listed(ledger, "1", "3", "4") == Tally(new=1, unchanged=2)
    assert ledger.counts() == {"due": 4}


def test_record_when_an_asset_comes_twice_in_a_batch_takes_the_last(ledger: Ledger) -> None:
    batch = Listed([*assets("1"), *assets("1", fingerprint="b")])
    assert ledger.record(batch, "s") == Tally(new=1)
    assert state(ledger) == ("due", "b", None)


def test_record_when_it_has_a_cursor_keeps_it_with_the_rows(ledger: Ledger, new_run: NewRun) -> None:
    assert ledger.progress() == Progress()
    listed(ledger, "1", cursor="c1")
    listed(ledger, "2")
    assert ledger.progress() == Progress("c1", "s", None)
    ledger.complete("s")
    assert new_run().progress() == Progress("c1", "s", "s")
    assert new_run("other").progress() == Progress()


def test_record_when_it_fails_half_way_keeps_neither_rows_nor_cursor(ledger: Ledger) -> None:
    listed(ledger, "0", cursor="c0")
    unkeepable = SourceAsset("2", "a", raw={"x": {1}})
    with pytest.raises(TypeError):
        ledger.record(Listed([*assets("1"), unkeepable], "c1"), "s")
    assert ledger.counts() == {"due": 1}
    assert ledger.progress().cursor == "c0"


def test_record_when_only_a_cursor_comes_keeps_it(ledger: Ledger) -> None:
    assert ledger.record(Listed([], "c1"), "s") == Tally()
    assert ledger.progress().cursor == "c1"


def test_record_when_assets_are_found_in_the_portal_never_carries_them(ledger: Ledger, time_: Any) -> None:
    assert listed(ledger, "1", "2", found={"1": "asset 1", "9": "x"}) == Tally(new=1, found=1)
    row = ledger.find(["1"])["1"]
    assert (row.state, row.reason, row.previous) == ("pushed", "found in the portal", PushResult("asset 1"))
    assert claimed(ledger).source_id == "2"
    time_.pass_by(days=9)
    assert ledger.claim() is None


def test_record_when_judged_again_makes_skipped_rows_due_and_no_others(ledger: Ledger) -> None:
    listed(ledger, "1", "2", "3")
    ledger.mark_skipped(claimed(ledger), "no")
    ledger.mark_pushed(claimed(ledger), PushResult("x"))
    assert listed(ledger, "1", "2", "3", reconsider_skipped=True) == Tally(unchanged=3)
    assert [state(ledger, each)[0] for each in "123"] == ["due", "pushed", "due"]


def test_record_when_our_own_write_changed_the_source_is_no_change(ledger: Ledger, time_: Any) -> None:
    listed(ledger, "1")
    ledger.mark_pushed(claimed(ledger), PushResult("x", fingerprint_after="ours"))
    assert listed(ledger, "1", fingerprint="ours") == Tally(unchanged=1)
    time_.pass_by(days=1)
    assert ledger.claim() is None
    assert listed(ledger, "1", fingerprint="theirs") == Tally(changed=1)


def test_record_when_changed_keeps_the_newest_title_and_record(ledger: Ledger) -> None:
    listed(ledger, "1")
    ledger.record(Listed([SourceAsset("1", "b", "new", {"n": [1]})]), "s")
    assert claimed(ledger).source == SourceAsset("1", "b", "new", {"n": [1]})


# --- claiming --------------------------------------------------------------------------------------


def test_claim_when_several_are_due_takes_them_as_they_were_listed(ledger: Ledger, time_: Any) -> None:
    listed(ledger, "3", "1", "2")
    order = [claimed(ledger).source_id for _ in range(3)]
    assert order == ["3", "1", "2"]
    time_.pass_by(days=1)
    assert ledger.claim() is None


@pytest.mark.parametrize(
    ("left", "same_run", "next_run"),
    [
        ("running", False, True),
        ("due", True, True),
        ("failed", True, True),
        ("waiting", False, True),
        ("uncertain", False, False),
        ("pushed", False, False),
        ("skipped", False, False),
        ("rejected", False, False),
    ],
)
def test_claim_when_a_row_was_left_in_a_state_takes_it_as_documented(
    ledger: Ledger, new_run: NewRun, time_: Any, left: str, same_run: bool, next_run: bool
) -> None:
    listed(ledger, "1")
    row = claimed(ledger)
    leave: dict[str, Callable[[], object]] = {
        "running": lambda: None,
        "due": lambda: ledger.release(),
        "failed": lambda: ledger.mark_failed(row, "why"),
        "waiting": lambda: ledger.mark_waiting(row, "why", timedelta()),
        "uncertain": lambda: ledger.mark_uncertain(row, "why"),
        "pushed": lambda: ledger.mark_pushed(row, PushResult("x")),
        "skipped": lambda: ledger.mark_skipped(row, "why"),
        "rejected": lambda: ledger.mark_rejected(row, "why"),
    }
    leave[left]()
    assert state(ledger)[0] == left
    time_.pass_by(days=2)
    assert (ledger.claim() is not None) is same_run
    assert (new_run().claim() is not None) is next_run


def test_claim_when_a_row_was_left_by_two_crashes_takes_the_others_first(new_run: NewRun) -> None:
    listed(new_run(), "1", "2", "3")
    assert [claimed(new_run()).source_id for _ in range(3)] == ["1", "1", "2"]
    last = new_run()
    assert [claimed(last).source_id for _ in range(3)] == ["2", "3", "1"]


def test_claim_when_it_is_too_early_waits(ledger: Ledger, time_: Any) -> None:
    listed(ledger, "1")
    ledger.mark_failed(claimed(ledger), "why")
    time_.pass_by(minutes=14)
    assert ledger.claim() is None
    time_.pass_by(minutes=1)
    assert claimed(ledger).attempts == 1


def test_claim_when_many_threads_do_gives_each_row_once(
    database: Database, ledger: Ledger, together: Callable[..., list[Any]]
) -> None:
    ids = [f"{number:03}" for number in range(60)]
    listed(ledger, *ids)

    def work(_: int) -> list[str]:
        taken = []
        while (row := ledger.claim()) is not None:
            taken.append(row.source_id)
        return taken

    taken = together(6, work)
    assert sorted(itertools.chain.from_iterable(taken)) == ids
    assert ledger.counts() == {"running": 60}


def leave(ledger: Ledger, row: Row, how: str) -> None:
    """Leave a claimed row as the name says; `running`: as it is."""
    ways: dict[str, Callable[[], object]] = {
        "running": lambda: None,
        "pushed": lambda: ledger.mark_pushed(row, PushResult("x")),
        "pushed and changed": lambda: (
            ledger.mark_pushed(row, PushResult("x")),
            listed(ledger, "1", fingerprint="b"),
        ),
        "uncertain": lambda: ledger.mark_uncertain(row, "why"),
        "notes": lambda: (ledger.checkpoint(row, b"x"), ledger.mark_failed(row, "why")),
        "failed": lambda: ledger.mark_failed(row, "why"),
        "rejected": lambda: ledger.mark_rejected(row, "why"),
        "skipped": lambda: ledger.mark_skipped(row, "why"),
        "waiting": lambda: ledger.mark_waiting(row, "why", timedelta(hours=1)),
        "released": lambda: ledger.release(),
        "revived": lambda: ledger.revive(row),
    }
    ways[how]()


def second_of(new_run: NewRun, *ids: str) -> Ledger:
    """The ledger of another connector of the same plugin and portal, with these assets listed."""
    second = new_run("second", siblings=("first",))
    listed(second, *ids)
    return second


@pytest.mark.parametrize("left", ["pushed", "pushed and changed"])
def test_claim_when_a_sibling_has_pushed_the_asset_skips_it(new_run: NewRun, left: str) -> None:
    sibling = new_run("first")
    listed(sibling, "1")
    leave(sibling, claimed(sibling), left)
    second = second_of(new_run, "1", "2")
    assert claimed(second).source_id == "2"
    row = second.find(["1"])["1"]
    assert (row.state, row.reason) == ("skipped", "already delivered by first")


@pytest.mark.parametrize("left", ["running", "uncertain", "notes"])
def test_claim_when_a_sibling_is_not_done_with_the_asset_waits(
    new_run: NewRun, left: str, time_: Any
) -> None:
    sibling = new_run("first")
    listed(sibling, "1")
    leave(sibling, claimed(sibling), left)
    second = second_of(new_run, "1", "2")
    assert claimed(second).source_id == "2"
    time_.pass_by(days=9)
    assert second.claim() is None
    row = second.find(["1"])["1"]
    assert (row.state, row.reason) == ("waiting", "waits until first is done with it")


@pytest.mark.parametrize(
    "left", ["pushed", "failed", "rejected", "skipped", "waiting", "released", "revived"]
)
def test_claim_when_a_sibling_ends_takes_the_asset_unless_it_was_pushed(new_run: NewRun, left: str) -> None:
    sibling = new_run("first")
    listed(sibling, "1")
    row = claimed(sibling)
    second = second_of(new_run, "1")
    assert second.claim() is None
    leave(sibling, row, left)
    assert (second.claim() is None) is (left == "pushed")
    assert state(second)[0] == ("skipped" if left == "pushed" else "running")


@pytest.mark.parametrize(("saved", "left"), [(True, "skipped"), (False, "running")])
def test_claim_when_an_uncertain_sibling_is_settled_goes_by_it(
    new_run: NewRun, saved: bool, left: str
) -> None:
    sibling = new_run("first")
    listed(sibling, "1")
    leave(sibling, claimed(sibling), "uncertain")
    second = second_of(new_run, "1")
    assert second.claim() is None
    leave(sibling, sibling.find(["1"])["1"], "pushed" if saved else "revived")
    second.claim()
    assert state(second)[0] == left


def test_claim_when_a_sibling_crashed_or_is_no_longer_configured_looks_again_each_run(
    new_run: NewRun,
) -> None:
    sibling = new_run("first")
    listed(sibling, "1")
    claimed(sibling)
    assert second_of(new_run, "1").claim() is None
    assert second_of(new_run).claim() is None
    assert claimed(new_run("second")).waits_for is None
    new_run("first")
    assert claimed(second_of(new_run)).source_id == "1"


def test_claim_when_both_siblings_have_notes_lets_the_first_go_on(new_run: NewRun, time_: Any) -> None:
    ledgers = [new_run("first", siblings=("second",)), new_run("second", siblings=("first",))]
    for ledger in ledgers:
        listed(ledger, "1")
    rows = [claimed(ledgers[0])]
    leave(ledgers[0], rows[0], "released")
    leave(ledgers[1], claimed(ledgers[1]), "notes")
    ledgers[0].checkpoint(rows[0], b"x")
    assert claimed(ledgers[0]).checkpoint == b"x"
    time_.pass_by(days=1)
    assert ledgers[1].claim() is None


@pytest.mark.parametrize("left", ["failed", "rejected", "skipped", "waiting"])
def test_claim_when_a_sibling_has_not_brought_the_asset_takes_it(new_run: NewRun, left: str) -> None:
    sibling = new_run("first")
    listed(sibling, "1")
    row = claimed(sibling)
    if left == "waiting":
        sibling.mark_waiting(row, "why", timedelta())
    else:
        getattr(sibling, f"mark_{left}")(row, "why")
    second = new_run("second", siblings=("first",))
    listed(second, "1")
    assert claimed(second).source_id == "1"


def test_claim_when_siblings_do_at_once_gives_each_asset_to_one(
    new_run: NewRun, together: Callable[..., list[Any]]
) -> None:
    names = ("first", "second", "third")
    ledgers = [new_run(name, siblings=tuple(set(names) - {name})) for name in names]
    ids = [f"{number:02}" for number in range(15)]
    for ledger in ledgers:
        listed(ledger, *ids)

    def work(who: int) -> list[str]:
        taken = []
        while (row := ledgers[who].claim()) is not None:
            taken.append(row.source_id)
        return taken

    assert sorted(itertools.chain.from_iterable(together(3, work))) == ids


# --- finishing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pushed", "skipped", "rejected"])
def test_finish_when_the_source_changed_meanwhile_is_due_again(ledger: Ledger, kind: str) -> None:
    listed(ledger, "1")
    row = claimed(ledger)
    listed(ledger, "1", fingerprint="b")
    finish(ledger, row, kind)
    assert state(ledger) == ("due", "b", "a")
    again = claimed(ledger)
    finish(ledger, again, kind)
    assert state(ledger) == (kind, "b", "b")


def finish(ledger: Ledger, row: Row, kind: str) -> None:
    getattr(ledger, f"mark_{kind}")(row, PushResult("x") if kind == "pushed" else "why")


@pytest.mark.parametrize("kind", ["pushed", "failed"])
def test_finish_when_a_change_arrives_at_the_same_moment_never_loses_it(
    ledger: Ledger, together: Callable[..., list[Any]], kind: str, time_: Any
) -> None:
    for number in range(25):
        key = str(number)
        listed(ledger, key)
        row = claimed(ledger)
        writes = [
            lambda row=row: finish(ledger, row, kind),
            lambda key=key: listed(ledger, key, fingerprint="b"),
        ]
        together(2, lambda who, writes=writes: writes[who]())
        after = ledger.find([key])[key]
        assert after.fingerprint_seen == "b"
        assert (after.state == "due") or (kind, after.attempts) == ("failed", 1)
        time_.pass_by(days=1)
        claimed(ledger)


def test_pushed_when_it_returns_keeps_the_result_for_the_next_time(ledger: Ledger, new_run: NewRun) -> None:
    result = PushResult("id", "https://x", notice="twice", detail={"pages": [1, 2]})
    listed(ledger, "1")
    ledger.mark_pushed(claimed(ledger), result)
    listed(ledger, "1", fingerprint="b")
    row = claimed(new_run())
    assert (row.previous, row.source.fingerprint) == (result, "b")


def test_failed_when_again_and_again_comes_later_and_later_and_then_never(ledger: Ledger, time_: Any) -> None:
    listed(ledger, "1")
    pauses = []
    for _ in range(8):
        ledger.mark_failed(claimed(ledger), "why")
        due = ledger.find(["1"])["1"].due_at
        pauses.append(due and (due - time_()).total_seconds() / 60)
        time_.now = due or time_()
    assert pauses == [15, 30, 60, 120, 240, 480, 960, None]
    time_.pass_by(days=1000)
    assert ledger.claim() is None


def test_failed_when_the_source_changes_starts_afresh(ledger: Ledger) -> None:
    listed(ledger, "1")
    ledger.mark_failed(claimed(ledger), "why")
    listed(ledger, "1", fingerprint="b")
    row = claimed(ledger)
    assert (row.attempts, row.carrying) == (0, "b")


@pytest.mark.parametrize(("attempts", "pause"), [(0, 15), (1, 15), (2, 30), (7, 960), (8, None), (99, None)])
def test_next_round_when_counted_doubles_from_a_quarter_of_an_hour(
    attempts: int, pause: float | None
) -> None:
    assert next_round(attempts, NOW) == (None if pause is None else NOW + timedelta(minutes=pause))


def test_revive_when_a_person_asks_makes_it_due_at_once(ledger: Ledger) -> None:
    listed(ledger, "1")
    row = claimed(ledger)
    ledger.mark_rejected(row, "why")
    ledger.revive(row)
    assert claimed(ledger).attempts == 0


def test_uncertain_when_settled_after_a_change_carries_the_change(ledger: Ledger) -> None:
    listed(ledger, "1")
    ledger.mark_uncertain(claimed(ledger), "why")
    listed(ledger, "1", fingerprint="b")
    ledger.mark_pushed(ledger.find(["1"])["1"], PushResult("by hand"))
    assert state(ledger) == ("due", "b", "a")


def test_forget_when_asked_leaves_other_connectors_alone(new_run: NewRun) -> None:
    mine, other = new_run("stock"), new_run("other")
    for ledger in (mine, other):
        listed(ledger, "1", "2", cursor="c")
    assert mine.forget() == 2
    assert (mine.counts(), mine.progress()) == ({}, Progress())
    assert (other.counts(), other.progress().cursor) == ({"due": 2}, "c")


# --- fencing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        lambda ledger, row: ledger.record(Listed(assets("9"), "c9"), "s"),
        lambda ledger, row: ledger.complete("s"),
        lambda ledger, row: ledger.claim(),
        lambda ledger, row: ledger.checkpoint(row, b"x"),
        lambda ledger, row: ledger.mark_pushed(row, PushResult("x")),
        lambda ledger, row: ledger.mark_skipped(row, "x"),
        lambda ledger, row: ledger.mark_rejected(row, "x"),
        lambda ledger, row: ledger.mark_failed(row, "x"),
        lambda ledger, row: ledger.mark_waiting(row, "x", timedelta()),
        lambda ledger, row: ledger.mark_uncertain(row, "x"),
        lambda ledger, row: ledger.revive(row),
        lambda ledger, row: ledger.release(),
        lambda ledger, row: ledger.forget(),
    ],
    ids=[
        "record",
        "complete",
        "claim",
        "checkpoint",
        "pushed",
        "skipped",
        "rejected",
        "failed",
        "waiting",
        "uncertain",
        "revive",
        "release",
        "forget",
    ],
)
def test_write_when_another_run_has_begun_is_refused_and_changes_nothing(
    ledger: Ledger, new_run: NewRun, write: Callable[[Ledger, Row], object]
) -> None:
    listed(ledger, "1", cursor="c")
    row = claimed(ledger)
    new_run()
    before = list(ledger.rows()), ledger.progress()
    with pytest.raises(LeaseLostError, match="^stock: another run has taken over; this one stops$"):
        write(ledger, row)
    assert (list(ledger.rows()), ledger.progress()) == before


def test_write_when_another_run_begins_at_the_same_moment_is_before_it_or_refused(
    ledger: Ledger, new_run: NewRun, database: Database
) -> None:
    """A transaction that has checked its epoch holds the next run back until it ends."""
    listed(ledger, "1")
    begun = threading.Event()
    with ledger._write():
        taking = threading.Thread(target=lambda: (new_run(), begun.set()))
        taking.start()
        assert not begun.wait(0.1)
    taking.join()
    with pytest.raises(LeaseLostError):
        ledger.release()


def test_ledger_when_it_has_no_epoch_only_reads(database: Database, ledger: Ledger) -> None:
    listed(ledger, "1")
    reader = Ledger(database, "stock")
    assert (reader.counts(), len(list(reader.rows()))) == ({"due": 1}, 1)
    with pytest.raises(LeaseLostError):
        listed(reader, "2")


# --- looking, and notes ----------------------------------------------------------------------------


def test_rows_when_very_many_are_all_read_in_order(ledger: Ledger) -> None:
    ids = [f"{number:04}" for number in range(2500)]
    listed(ledger, *ids)
    assert [row.source_id for row in ledger.rows()] == ids
    assert list(ledger.rows(RowState.PUSHED)) == []


def test_counts_when_asked_are_of_one_connector_in_the_order_of_states(new_run: NewRun) -> None:
    ledger = new_run()
    listed(new_run("other"), "9")
    listed(ledger, "1", "2", "3")
    ledger.mark_skipped(claimed(ledger), "no")
    claimed(ledger)
    assert list(ledger.counts().items()) == [("due", 1), ("running", 1), ("skipped", 1)]


@pytest.fixture
def cipher() -> Cipher:
    return Cipher(new_key(), "a test")


def notes(ledger: Ledger, row: Row, cipher: Cipher) -> LedgerCheckpoint:
    return LedgerCheckpoint(ledger, row, cipher.seal, cipher.open)


def test_checkpoint_when_put_outlives_a_crash_and_is_encrypted(
    ledger: Ledger, new_run: NewRun, cipher: Cipher
) -> None:
    listed(ledger, "1")
    first = notes(ledger, claimed(ledger), cipher)
    first.put(upload={"id": CANARY}, tries=1)
    first.put(tries=2, other=None)
    row = claimed(new_run())
    again = notes(ledger, row, cipher)
    assert (again.get("upload"), again.get("tries"), again.get("other", "no")) == ({"id": CANARY}, 2, "no")
    assert (again.source_id, again.names()) == ("1", ("upload", "tries"))
    assert CANARY.encode() not in (row.checkpoint or b"")


def test_checkpoint_when_none_is_put_forgets_the_name(ledger: Ledger, cipher: Cipher) -> None:
    listed(ledger, "1")
    checkpoint = notes(ledger, claimed(ledger), cipher)
    checkpoint.put(a=1, b=0)
    checkpoint.put(a=None)
    assert (checkpoint.get("a", "gone"), checkpoint.get("b", "gone")) == ("gone", 0)


def test_checkpoint_when_it_cannot_be_kept_is_as_before(
    ledger: Ledger, new_run: NewRun, cipher: Cipher
) -> None:
    listed(ledger, "1")
    checkpoint = notes(ledger, claimed(ledger), cipher)
    checkpoint.put(a=1)
    with pytest.raises(TypeError):
        checkpoint.put(a={2})
    new_run()
    with pytest.raises(LeaseLostError):
        checkpoint.put(a=3)
    assert checkpoint.get("a") == 1


def test_checkpoint_when_several_threads_put_keeps_every_name(
    ledger: Ledger, cipher: Cipher, together: Callable[..., list[Any]]
) -> None:
    listed(ledger, "1")
    row = claimed(ledger)
    checkpoint = notes(ledger, row, cipher)
    together(6, lambda who: checkpoint.put(**{f"part{who}": who}))
    kept = notes(ledger, ledger.find(["1"])["1"], cipher)
    assert [kept.get(f"part{who}") for who in range(6)] == list(range(6))


def test_checkpoint_when_the_source_changes_finishes_what_was_begun_first(
    ledger: Ledger, new_run: NewRun, cipher: Cipher
) -> None:
    listed(ledger, "1")
    notes(ledger, claimed(ledger), cipher).put(a=1)
    listed(ledger, "1", fingerprint="b")
    following = new_run()
    row = claimed(following)
    assert (row.source.fingerprint, notes(following, row, cipher).get("a")) == ("a", 1)
    following.mark_pushed(row, PushResult("x"))
    assert state(following) == ("due", "b", "a")
    assert claimed(following).checkpoint is None


def test_checkpoint_when_the_source_changes_keeps_the_record_that_was_begun(
    ledger: Ledger, new_run: NewRun, cipher: Cipher
) -> None:
    record(ledger, SourceAsset("1", "a", "old", {"url": "old"}))
    notes(ledger, claimed(ledger), cipher).put(a=1)
    record(ledger, SourceAsset("1", "b", "new", {"url": "new"}))
    following = new_run()
    row = claimed(following)
    assert notes(following, row, cipher).source == SourceAsset("1", "a", "old", {"url": "old"})
    following.mark_pushed(row, PushResult("x"))
    row = claimed(following)
    assert notes(following, row, cipher).source == SourceAsset("1", "b", "new", {"url": "new"})


def test_checkpoint_when_all_is_forgotten_carries_the_changed_source(
    ledger: Ledger, new_run: NewRun, cipher: Cipher
) -> None:
    record(ledger, SourceAsset("1", "a", "old", {"url": "old"}))
    checkpoint = notes(ledger, claimed(ledger), cipher)
    checkpoint.put(a=1)
    record(ledger, SourceAsset("1", "b", "new", {"url": "new"}))
    checkpoint.put(a=None)
    following = new_run()
    row = claimed(following)
    assert (row.checkpoint, notes(following, row, cipher).source.fingerprint) == (None, "b")


SAVE = {"since": "2026-01-05T10:00:00+00:00", "tries": 1}
UNCLEAR = {"import": {"id": "I", "crc32": 1}, "save": SAVE, "version": 2}
SAVED = {"save": SAVE, "saved": "M1"}
RECORD = "damlink.upload"


@pytest.mark.parametrize(
    ("noted", "kept"),
    [
        pytest.param({RECORD: UNCLEAR, "licence": 1}, {"licence": 1}, id="an upload"),
        pytest.param({"part": {RECORD: UNCLEAR}, "media": "7"}, {"media": "7"}, id="in a scope"),
        pytest.param({"part": {RECORD: UNCLEAR, "a": 1}}, {"part": {"a": 1}}, id="beside others in a scope"),
        pytest.param({"a": {"b": {RECORD: UNCLEAR}, "c": 1}}, {"a": {"c": 1}}, id="in a scope of a scope"),
        pytest.param(
            {RECORD: SAVED, "second": {RECORD: UNCLEAR}}, {RECORD: SAVED}, id="the second of two uploads"
        ),
        pytest.param(UNCLEAR | {"licence": 1}, {"licence": 1}, id="of an earlier version"),
        pytest.param(
            {"delivery": UNCLEAR, "media": "7"}, {"media": "7"}, id="in a part, of an earlier version"
        ),
        pytest.param({"save": "a plugin's", RECORD: UNCLEAR}, {"save": "a plugin's"}, id="a note alike"),
        pytest.param({"licence": {"asked": 2}}, {}, id="no upload"),
        pytest.param({RECORD: SAVED, "licence": 1}, {RECORD: SAVED}, id="an upload that is done"),
        pytest.param(SAVED | {"licence": 1}, SAVED, id="one that is done, of an earlier version"),
        pytest.param(
            {"part": {RECORD: SAVED, "a": 1}, "b": 1},
            {"part": {RECORD: SAVED}},
            id="one that is done, in a scope",
        ),
    ],
)
def test_checkpoint_when_the_effect_is_forgotten_keeps_the_rest(
    ledger: Ledger, new_run: NewRun, cipher: Cipher, noted: dict[str, Any], kept: dict[str, Any]
) -> None:
    listed(ledger, "1")
    checkpoint = notes(ledger, claimed(ledger), cipher)
    checkpoint.put(**noted)
    checkpoint.forget_effect()
    again = notes(ledger, claimed(new_run()), cipher)
    assert {name: again.get(name) for name in again.names()} == kept


@pytest.mark.parametrize(("selection", "cursor"), [("s", "c1"), ("another", None)])
def test_complete_when_nothing_was_committed_keeps_no_cursor_of_another_selection(
    ledger: Ledger, selection: str, cursor: str | None
) -> None:
    listed(ledger, "1", cursor="c1")
    ledger.complete(selection)
    assert ledger.progress() == Progress(cursor, selection, selection)
