"""What portals told us is kept once, gathered by asset, and closed together with what it brought."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from damlink._model import PushResult, SourceAsset
from damlink._state.claim import claimable
from damlink._state.database import Database
from damlink._state.inbox import DISPATCHER, Inbox, Notification, Outcome
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.merge import merge
from damlink._state.rows import RowState
from damlink._state.tables import ledger as ledger_table
from damlink._state.tables import worker
from damlink.errors import LeaseLostError, StateError

TOPIC = "arn:aws:sns:eu-west-1:111122223333:brand"
PAUSE = 5.0
A, B = "0A1B2C3D-0000-0000-000000000000000A", "0A1B2C3D-0000-0000-000000000000000B"


@pytest.fixture
def inbox(database: Database) -> Inbox:
    return Inbox(database)


@pytest.fixture
def put(inbox: Inbox, time_: Any) -> Callable[..., bool]:
    """Put one notification; `after` seconds later than now happened what it tells."""

    def put(
        number: int, asset: str = A, kind: str = "meta_updated", after: float = 0, **options: Any
    ) -> bool:
        told = Notification(
            portal=options.get("portal", "brand"),
            topic=options.get("topic", TOPIC),
            message_id=f"message {number}",
            subject=f"asset_bank.media.{kind}",
            message=options.get("message", json.dumps({"media_id": asset})),
            occurred_at=time_() + timedelta(seconds=after),
        )
        return inbox.put(told)

    return put


def ready(inbox: Inbox, time_: Any, portal: str = "brand") -> list[tuple[str, int]]:
    """What is ready: the asset and how many notifications tell of it."""
    gathered = inbox.gather(portal, PAUSE)
    return [(each.notification.asset_id, len(each.numbers)) for each in gathered]


def test_put_when_it_is_there_already_says_so(inbox: Inbox, put: Callable[..., bool]) -> None:
    assert [put(1), put(1), put(1, topic=f"{TOPIC}-2"), put(2)] == [True, False, True, True]
    assert [put(1, portal="other"), put(1, portal="other")] == [True, False]
    assert inbox.open_count() == 4


def test_put_when_many_threads_bring_the_same_keeps_one(
    inbox: Inbox, put: Callable[..., bool], together: Callable[..., list[Any]]
) -> None:
    assert sorted(together(8, lambda _: put(1))) == [False] * 7 + [True]


def test_put_when_it_is_finished_long_ago_is_known_for_a_day(
    inbox: Inbox, put: Callable[..., bool], time_: Any
) -> None:
    put(1)
    time_.pass_by(seconds=10)
    inbox.settle(map(Outcome, inbox.gather("brand", PAUSE)), {})
    time_.pass_by(hours=30)
    assert inbox.prune() == 0
    assert put(1) is False
    time_.pass_by(hours=30)
    assert inbox.prune() == 1
    assert put(1) is True


def test_prune_when_nobody_finished_them_takes_them_after_a_month(
    inbox: Inbox, put: Callable[..., bool], time_: Any
) -> None:
    put(1)
    time_.pass_by(days=29)
    assert inbox.prune() == 0
    time_.pass_by(days=2)
    assert inbox.prune() == 1


def test_gather_when_an_asset_changes_again_waits_until_it_rests(
    inbox: Inbox, put: Callable[..., bool], time_: Any
) -> None:
    put(1)
    put(2, B)
    time_.pass_by(seconds=3)
    put(3)
    time_.pass_by(seconds=3)
    assert ready(inbox, time_) == [(B, 1)]
    time_.pass_by(seconds=2)
    assert ready(inbox, time_) == [(A, 2), (B, 1)]


def test_gather_when_an_asset_never_rests_takes_it_after_a_minute(
    inbox: Inbox, put: Callable[..., bool], time_: Any
) -> None:
    for number in range(15):
        put(number)
        time_.pass_by(seconds=4)
    assert ready(inbox, time_) == [(A, 15)]


def test_gather_when_the_clock_was_set_back_does_not_wait_for_it(
    inbox: Inbox, put: Callable[..., bool], time_: Any
) -> None:
    put(1)
    time_.pass_by(hours=-3)
    assert ready(inbox, time_) == [(A, 1)]


def test_gather_when_of_another_portal_gives_nothing(
    inbox: Inbox, put: Callable[..., bool], time_: Any
) -> None:
    put(1)
    put(2, portal="other")
    time_.pass_by(seconds=10)
    assert (ready(inbox, time_), ready(inbox, time_, "other")) == ([(A, 1)], [(A, 1)])


@pytest.mark.parametrize(
    ("kinds", "counts"),
    [
        pytest.param(["create", "meta_updated"], "meta_updated", id="what happened last"),
        pytest.param(["deleted", "meta_updated"], "deleted", id="a deletion, whatever comes after it"),
    ],
)
def test_gather_when_several_tell_of_one_asset_gives_the_one_that_counts(
    inbox: Inbox, put: Callable[..., bool], time_: Any, kinds: list[str], counts: str
) -> None:
    put(1, kind=kinds[1], after=2)  # SNS keeps no order
    put(2, kind=kinds[0], after=1)
    time_.pass_by(seconds=10)
    (gathered,) = inbox.gather("brand", PAUSE)
    assert gathered.notification.subject == f"asset_bank.media.{counts}"


@pytest.mark.parametrize(
    "message",
    ["", "null", "[]", "{", '{"media_id": 7}', '{"media_id": ""}', '{"media_id": "../secret"}', "[" * 100_000]
    + [json.dumps({"media_id": text}) for text in ("A,B", "a b", "Ä", "A" * 65)],
)
def test_gather_when_a_message_names_no_asset_gives_each_for_itself(
    inbox: Inbox, put: Callable[..., bool], time_: Any, message: str
) -> None:
    put(1, message=message)
    put(2, message=message)
    time_.pass_by(seconds=10)
    assert ready(inbox, time_) == [("", 1), ("", 1)]


def test_settle_when_something_is_brought_closes_it_in_the_same_transaction(
    inbox: Inbox, put: Callable[..., bool], database: Database, time_: Any
) -> None:
    put(1)
    time_.pass_by(seconds=10)
    gathered = inbox.gather("brand", PAUSE)
    inbox.settle(map(Outcome, gathered), {"print": [SourceAsset(A, "1")]})
    assert [(row.source_id, row.state) for row in Ledger(database, "print").rows()] == [(A, RowState.DUE)]
    assert (inbox.open_count(), ready(inbox, time_)) == (0, [])


def test_settle_when_another_process_has_taken_over_changes_nothing(
    inbox: Inbox, put: Callable[..., bool], database: Database, time_: Any
) -> None:
    put(1)
    time_.pass_by(seconds=10)
    gathered = inbox.gather("brand", PAUSE)
    with Lease(database, DISPATCHER) as lease:
        frozen = Inbox(database, lease.epoch)
    with Lease(database, DISPATCHER), pytest.raises(LeaseLostError):
        frozen.settle(map(Outcome, gathered), {"print": [SourceAsset(A, "1")]})
    assert (inbox.open_count(), Ledger(database, "print").counts()) == (1, {})


def test_settle_when_it_cannot_be_written_leaves_everything_open(
    inbox: Inbox, put: Callable[..., bool], database: Database, time_: Any
) -> None:
    put(1)
    time_.pass_by(seconds=10)
    broken: Any = SourceAsset(A, None)  # type: ignore[arg-type]
    with pytest.raises(StateError):
        inbox.settle(map(Outcome, inbox.gather("brand", PAUSE)), {"print": [broken]})
    assert (inbox.open_count(), Ledger(database, "print").counts()) == (1, {})


def test_settle_when_a_connector_failed_comes_again_for_that_one_only(
    inbox: Inbox, put: Callable[..., bool], time_: Any
) -> None:
    put(1)
    time_.pass_by(seconds=10)
    (first,) = inbox.gather("brand", PAUSE)
    inbox.settle([Outcome(first, frozenset({"print"}), time_() + timedelta(minutes=1), "oops")], {})
    assert ready(inbox, time_) == []
    time_.pass_by(minutes=2)
    (again,) = inbox.gather("brand", PAUSE)
    assert (set(again.processed_by), again.attempts, inbox.open_count("brand")) == ({"print"}, 1, 1)


def test_gather_when_something_new_comes_while_one_waits_tells_everybody_again(
    inbox: Inbox, put: Callable[..., bool], time_: Any
) -> None:
    put(1)
    time_.pass_by(seconds=10)
    (first,) = inbox.gather("brand", PAUSE)
    inbox.settle([Outcome(first, frozenset({"print"}), time_() + timedelta(hours=1), "oops")], {})
    put(2)
    time_.pass_by(seconds=10)
    (both,) = inbox.gather("brand", PAUSE)
    assert (both.processed_by, len(both.numbers)) == (frozenset(), 2)


def test_settle_when_something_came_meanwhile_leaves_that_open(
    inbox: Inbox, put: Callable[..., bool], time_: Any
) -> None:
    put(1)
    time_.pass_by(seconds=10)
    gathered = inbox.gather("brand", PAUSE)
    put(2)
    inbox.settle(map(Outcome, gathered), {})
    time_.pass_by(seconds=10)
    assert ready(inbox, time_) == [(A, 1)]


# --- what events bring into the ledger -------------------------------------------------------------


def bring(inbox: Inbox, fingerprint: str, time_: Any) -> None:
    inbox.settle((), {"stock": [SourceAsset(A, fingerprint)]})


def state(ledger: Ledger) -> tuple[str, str]:
    (row,) = ledger.rows()
    return row.state.value, row.fingerprint_seen


def test_events_when_a_run_carries_the_asset_make_it_due_again_afterwards(
    inbox: Inbox, ledger: Ledger, time_: Any
) -> None:
    bring(inbox, "1", time_)
    time_.pass_by(seconds=1)
    row = ledger.claim()
    bring(inbox, "2", time_)
    assert row is not None
    assert state(ledger) == ("running", "2")
    ledger.mark_skipped(row, "why")
    assert state(ledger) == ("due", "2")


@pytest.mark.parametrize(
    ("fingerprint", "left"), [("1", "skipped"), ("2", "due")], ids=["told again", "changed"]
)
def test_events_when_the_asset_is_finished_make_only_a_change_due(
    inbox: Inbox, ledger: Ledger, time_: Any, fingerprint: str, left: str
) -> None:
    bring(inbox, "1", time_)
    time_.pass_by(seconds=1)
    row = ledger.claim()
    assert row is not None
    ledger.mark_skipped(row, "why")
    bring(inbox, fingerprint, time_)
    assert state(ledger)[0] == left
    assert ledger.has_ready() == (left == "due")


@pytest.mark.parametrize("before", [True, False], ids=["while it is carried", "afterwards"])
def test_events_when_they_tell_of_our_own_write_make_nothing_due(
    inbox: Inbox, ledger: Ledger, time_: Any, before: bool
) -> None:
    bring(inbox, "1", time_)
    time_.pass_by(seconds=1)
    row = ledger.claim()
    assert row is not None
    bring(inbox, "ours" if before else "1", time_)
    ledger.mark_pushed(row, PushResult("id", fingerprint_after="ours"))
    bring(inbox, "ours", time_)
    assert state(ledger)[0] == "pushed"


def test_events_when_several_processes_bring_the_same_new_assets_keep_each_once(
    opened: Callable[[], Database], together: Callable[..., list[Any]], time_: Any, ledger: Ledger
) -> None:
    assets = [SourceAsset(f"{number}", "1") for number in range(50)]
    inboxes = [Inbox(opened()) for _ in range(4)]

    def settle(who: int) -> None:
        inboxes[who].settle((), {"stock": assets[:: -1 if who % 2 else 1]})

    together(4, settle)
    assert ledger.counts() == {"due": 50}


def test_events_when_the_clock_is_set_back_after_them_are_carried_all_the_same(
    inbox: Inbox, database: Database, new_run: Callable[..., Ledger], time_: Any
) -> None:
    bring(inbox, "1", time_)
    time_.pass_by(days=-400)
    assert Ledger(database, "stock").has_ready()
    assert new_run().claim() is not None


def test_has_ready_when_put_off_until_the_next_run_is_not_and_for_a_time_is_then(
    inbox: Inbox, ledger: Ledger, time_: Any
) -> None:
    bring(inbox, "1", time_)
    assert ledger.has_urgent()
    time_.pass_by(seconds=1)
    row = ledger.claim()
    assert row is not None
    assert not ledger.has_urgent()
    ledger.mark_waiting(row, "dry mode", timedelta())
    time_.pass_by(days=1)
    assert not ledger.has_ready()
    ledger.mark_waiting(row, "a cap", timedelta(hours=1))
    assert (ledger.has_ready(), ledger.has_urgent()) == (False, False)
    time_.pass_by(hours=1)
    assert (ledger.has_ready(), ledger.has_urgent()) == (True, True)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 9), st.integers(0, 8)), max_size=25))
def test_inbox_when_events_come_in_any_order_hands_each_over_once(
    database: Database, time_: Any, events: list[tuple[str, int, int]]
) -> None:
    inbox, topic = Inbox(database), f"of its own {time_.pass_by(minutes=1)}"
    handed: list[int] = []
    for asset, number, pause in events:
        told = Notification(
            portal="brand",
            topic=topic,
            message_id=str(number),
            subject="meta_updated",
            message=json.dumps({"media_id": asset}),
            occurred_at=time_.pass_by(seconds=pause),
        )
        inbox.put(told)
        handed += work(inbox, time_)
    time_.pass_by(seconds=10)
    handed += work(inbox, time_)
    assert len(handed) == len(set(handed)) == len({number for _, number, _ in events})
    assert inbox.open_count() == 0


def work(inbox: Inbox, time_: Any) -> list[int]:
    gathered = inbox.gather("brand", PAUSE)
    inbox.settle(map(Outcome, gathered), {})
    return [number for each in gathered for number in each.numbers]


def test_replay_when_events_are_finished_makes_those_ready_once_more(
    inbox: Inbox, put: Callable[..., bool], time_: Any
) -> None:
    put(1)
    put(2, B)
    time_.pass_by(seconds=PAUSE)
    inbox.settle([Outcome(each, frozenset({"stock"})) for each in inbox.gather("brand", PAUSE)], {})
    assert [each.verdict for each in inbox.latest("brand", limit=9)] == 2 * ["processed by stock"]
    numbers = [each.number for each in inbox.latest("brand", limit=9)]
    assert inbox.replay("brand", numbers[1], numbers[1]) == 1
    assert inbox.replay("other", 1, 99) == 0
    assert ready(inbox, time_) == [(A, 1)]


@pytest.mark.parametrize("known", [[], [B]], ids=["new", "listed already"])
def test_settle_when_a_listing_came_before_has_its_assets_carried_first(
    inbox: Inbox, database: Database, time_: Any, known: list[str]
) -> None:
    listed = [SourceAsset(each, "a") for each in ("0", "1", *known)]
    with database.write() as connection:
        merge(connection, "stock", listed, time_())
    time_.pass_by(seconds=5)
    inbox.settle((), {"stock": [SourceAsset(B, "a"), SourceAsset(A, "a")]})
    with Lease(database, "stock") as lease:
        ledger = Ledger(database, "stock", lease.epoch)
        claimed = [ledger.claim() for _ in range(4)]
    assert [(row.source_id, row.is_urgent) for row in claimed if row] == [
        (B, True),
        (A, True),
        ("0", False),
        ("1", False),
    ]


def test_settle_when_an_urgent_asset_waits_for_the_partner_keeps_it_urgent_to_its_end(
    inbox: Inbox, database: Database, time_: Any
) -> None:
    with database.write() as connection:
        merge(connection, "stock", [SourceAsset("0", "a")], time_())
    inbox.settle((), {"stock": [SourceAsset(A, "a")]})
    with Lease(database, "stock") as lease:
        ledger = Ledger(database, "stock", lease.epoch)
        row = ledger.claim()
        assert row
        ledger.mark_waiting(row, "is being made", timedelta(minutes=1))
    time_.pass_by(minutes=2)
    with Lease(database, "stock") as lease:
        ledger = Ledger(database, "stock", lease.epoch)
        again = ledger.claim()
        assert again
        assert (again.source_id, again.is_urgent) == (A, True)
        ledger.mark_pushed(again, PushResult("x"))
    assert [row.is_urgent for row in ledger.find([A]).values()] == [False]


def test_claim_when_many_rows_are_due_finds_urgent_ones_by_their_index(
    database: Database, time_: Any
) -> None:
    for condition in claimable(time_(), 1)[:2]:
        query = sa.select(ledger_table.c.source_id).where(ledger_table.c.connector == "stock", condition)
        query = query.order_by(ledger_table.c.due_at, ledger_table.c.source_id)
        text = query.compile(database.engine, compile_kwargs={"literal_binds": True})
        with database.read() as connection:
            if database.file is None:
                connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
            explain = "EXPLAIN QUERY PLAN" if database.file else "EXPLAIN"
            plan = connection.exec_driver_sql(f"{explain} {text}").all()
        assert "ledger_urgent" in str(plan)


def test_claim_when_only_urgent_rows_are_wanted_leaves_the_others(
    inbox: Inbox, new_run: Callable[..., Ledger], database: Database, time_: Any
) -> None:
    with database.write() as connection:
        merge(connection, "stock", [SourceAsset("0", "a"), SourceAsset("1", "a")], time_())
    with Lease(database, "stock") as lease, database.write() as connection:
        values = {"owner": "me", "session": "s", "version": "1", "threads": 1}
        values |= {"started_at": time_(), "heartbeat_at": time_()}
        number = connection.execute(sa.insert(worker).values(values).returning(worker.c.id)).scalar_one()
    ledger = Ledger(database, "stock", lease.epoch, worker=number)
    assert ledger.claim(urgent=True) is None
    inbox.settle((), {"stock": [SourceAsset(A, "a")]})
    claimed = ledger.claim(urgent=True)
    assert claimed
    assert (claimed.source_id, claimed.is_urgent) == (A, True)
    assert ledger.claim(urgent=True) is None
    assert [row.source_id for row in (ledger.claim(), ledger.claim()) if row] == ["0", "1"]
