"""From the receipt of an event to the delivery that it has caused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from ledger_rows import claim

from damlink._model import PushResult, SourceAsset
from damlink._state.database import Database
from damlink._state.inbox import Inbox, Notification, Outcome
from damlink._state.latencies import ABANDONED, AT_ONCE, KEPT, STEP, Latencies, note_awaited
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.tables import awaited

ASSET = "0A1B2C3D-0000-0000-000000000000000A"
SINCE = date(2000, 1, 1)


@pytest.fixture
def receive(database: Database, time_: Any) -> Callable[..., None]:
    """Receive an event about an asset, and make its row due after some seconds."""

    def receive(fingerprint: str, seconds: float = 5.0) -> None:
        inbox = Inbox(database)
        inbox.put(
            Notification(
                portal="brand",
                topic="arn:aws:sns:eu-west-1:111122223333:brand",
                message_id=fingerprint,
                subject="asset_bank.media.updated",
                message=json.dumps({"media_id": ASSET}),
                occurred_at=time_(),
            )
        )
        time_.pass_by(seconds=seconds)
        (event,) = inbox.gather("brand", 0)
        rows = {"stock": [SourceAsset(ASSET, fingerprint)]}
        inbox.settle([Outcome(event)], rows, {("stock", ASSET): event.numbers[0]})

    return receive


def carry(database: Database, time_: Any, seconds: float, end: Callable[[Ledger, Any], None]) -> None:
    """Claim the row, and end it after some seconds."""
    with Lease(database, "stock") as lease:
        ledger = Ledger(database, "stock", lease.epoch)
        row = claim(ledger)
        time_.pass_by(seconds=seconds)
        end(ledger, row)


def push(ledger: Ledger, row: Any) -> None:
    ledger.mark_pushed(row, PushResult("target"))


def skip(ledger: Ledger, row: Any) -> None:
    ledger.mark_skipped(row, "not wanted")


def test_latency_is_from_the_receipt_to_the_delivery(
    database: Database, time_: Any, receive: Callable[..., None]
) -> None:
    receive("v1", 5.0)
    carry(database, time_, 25.0, push)
    latencies = Latencies(database)
    assert latencies.fold() == 1
    ((day, found),) = latencies.read(SINCE).items()
    assert (day, found.count) == (time_().date().isoformat(), 1)
    assert 30.0 <= found.p50 == found.p95 < 30.0 * STEP
    assert latencies.fold() == 0


def test_latency_while_it_is_not_delivered_waits_and_counts_from_the_first_event(
    database: Database, time_: Any, receive: Callable[..., None]
) -> None:
    latencies = Latencies(database)
    receive("v1", 10.0)
    assert latencies.fold() == 0
    receive("v2", 10.0)
    carry(database, time_, 10.0, push)
    assert latencies.fold() == 1
    (found,) = latencies.read(SINCE).values()
    assert (found.count, 30.0 <= found.p50 < 30.0 * STEP) == (1, True)


def test_latency_when_the_asset_is_not_wanted_is_none_and_the_next_event_counts_anew(
    database: Database, time_: Any, receive: Callable[..., None]
) -> None:
    latencies = Latencies(database)
    receive("v1")
    carry(database, time_, 1.0, skip)
    latencies.fold()
    assert latencies.read(SINCE) == {}
    time_.pass_by(days=1)
    receive("v2", 5.0)
    carry(database, time_, 5.0, push)
    latencies.fold()
    (found,) = latencies.read(SINCE).values()
    assert 10.0 <= found.p95 < 10.0 * STEP


def test_latency_of_what_a_listing_has_found_is_none(database: Database, time_: Any) -> None:
    with Lease(database, "stock") as lease:
        Ledger(database, "stock", lease.epoch).record(Listed([SourceAsset("1", "v1")]), "all")
    carry(database, time_, 5.0, push)
    assert Latencies(database).fold() == 0
    assert Latencies(database).read(SINCE) == {}


def test_latency_of_a_row_that_the_event_has_not_made_due_is_not_awaited(
    database: Database, time_: Any, receive: Callable[..., None]
) -> None:
    receive("v1")
    carry(database, time_, 5.0, push)
    Latencies(database).fold()
    receive("v1 again", 5.0)
    carry(database, time_, 5.0, push)
    Latencies(database).fold()
    inbox_rows = count_awaited(database)
    receive_same(database, time_)
    assert (inbox_rows, count_awaited(database)) == (0, 0)


def receive_same(database: Database, time_: Any) -> None:
    """Receive an event after which the row is as it was delivered."""
    inbox = Inbox(database)
    inbox.put(
        Notification(
            portal="brand",
            topic="arn:a",
            message_id="same",
            subject="asset_bank.media.updated",
            message=json.dumps({"media_id": ASSET}),
            occurred_at=time_(),
        )
    )
    (event,) = inbox.gather("brand", 0)
    inbox.settle(
        [Outcome(event)],
        {"stock": [SourceAsset(ASSET, "v1 again")]},
        {("stock", ASSET): event.numbers[0]},
    )


def count_awaited(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(awaited)).scalar_one())


def test_quantiles_of_many_are_those_of_the_histogram(database: Database, time_: Any) -> None:
    fill(database, time_, [1.0] * 90 + [100.0] * 10)
    latencies = Latencies(database)
    latencies.fold()
    (found,) = latencies.read(SINCE).values()
    assert found.count == 100
    assert 1.0 <= found.p50 < STEP
    assert 100.0 <= found.p95 < 100.0 * STEP


def test_fold_when_very_many_wait_comes_to_each_of_them(database: Database, time_: Any) -> None:
    fill(database, time_, [2.0] * 3, first=2 * AT_ONCE)
    with database.write() as connection:
        waiting = [
            {"connector": "stock", "source_id": f"{number:06}", "received_at": time_()}
            for number in range(2 * AT_ONCE)
        ]
        connection.execute(sa.insert(awaited), waiting)
    latencies = Latencies(database)
    assert [latencies.fold() for _ in range(4)] == [0, 0, 3, 0]


def fill(database: Database, time_: Any, seconds: list[float], first: int = 0) -> None:
    """Deliver rows that events have made due so many seconds before."""
    ids = [f"{number:06}" for number in range(first, first + len(seconds))]
    with Lease(database, "stock") as lease:
        ledger = Ledger(database, "stock", lease.epoch)
        ledger.record(Listed([SourceAsset(each, "v1") for each in ids]), "all")
        for _ in ids:
            push(ledger, claim(ledger))
    with database.write() as connection:
        rows = [
            {"connector": "stock", "source_id": each, "received_at": time_() - timedelta(seconds=before)}
            for each, before in zip(ids, seconds, strict=True)
        ]
        connection.execute(sa.insert(awaited), rows)


def test_prune_forgets_what_is_old(database: Database, time_: Any, receive: Callable[..., None]) -> None:
    latencies = Latencies(database)
    fill(database, time_, [1.0])
    latencies.fold()
    receive("v1")
    time_.pass_by(days=ABANDONED.days + 1)
    latencies.prune()
    assert (count_awaited(database), len(latencies.read(SINCE))) == (0, 1)
    time_.pass_by(days=KEPT.days)
    latencies.prune()
    assert latencies.read(SINCE) == {}


def test_event_that_makes_very_many_rows_due_awaits_each_of_them(database: Database, time_: Any) -> None:
    ids = [f"{number:06}" for number in range(AT_ONCE + 1)]
    with Lease(database, "stock") as lease:
        Ledger(database, "stock", lease.epoch).record(
            Listed([SourceAsset(each, "v1") for each in ids]), "all"
        )
    with database.write() as connection:
        note_awaited(connection, {("stock", each): time_() for each in [*ids, "unknown"]})
        note_awaited(connection, {("stock", ids[0]): time_() + timedelta(seconds=5)})
    with database.read() as connection:
        found = {row.source_id: row.received_at for row in connection.execute(sa.select(awaited))}
    assert found == dict.fromkeys(ids, time_())
