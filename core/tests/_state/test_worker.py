"""Workers that carry the rows of one PostgreSQL database together."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from loopback import until

from damlink._model import PushResult, SourceAsset
from damlink._state.database import Database
from damlink._state.identity import count_up
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.rows import Row, RowState
from damlink._state.tables import worker as worker_table
from damlink._state.worker import Worker, open_worker_database
from damlink.errors import LeaseLostError, RunActiveError, StateError


@attrs.frozen
class Carrier:
    """A worker that shares the connector `stock`."""

    worker: Worker
    ledger: Ledger
    database: Database

    def claim(self) -> Row:
        row = self.ledger.claim()
        assert row is not None
        return row

    def lose(self) -> None:
        """Lose the connection, as if the network were cut."""
        self.worker._session.close()


@pytest.fixture
def cluster_url(copied: Callable[[], str], tmp_path: Path) -> str:
    """The address of a PostgreSQL database with ten due rows."""
    url = copied()
    with contextlib.closing(Database(url, tmp_path)) as database, Lease(database, "stock") as lease:
        assets = [SourceAsset(f"{number:02}", "1") for number in range(10)]
        Ledger(database, "stock", lease.epoch).record(Listed(assets, "c"), "all")
    return url


@pytest.fixture
def join(cluster_url: str, tmp_path: Path) -> Iterator[Callable[[], Carrier]]:
    """Start one more worker in this process, with connections of its own."""
    with contextlib.ExitStack() as closing:

        def start() -> Carrier:
            database, session = open_worker_database(cluster_url, tmp_path)
            closing.callback(database.close)
            worker = closing.enter_context(Worker(database, session))
            epoch = closing.enter_context(worker.share("stock"))
            return Carrier(worker, Ledger(database, "stock", epoch, worker=worker.number), database)

        yield start


def test_workers_when_they_claim_together_get_different_rows(
    join: Callable[[], Carrier], together: Callable[..., list[Any]]
) -> None:
    carriers = [join(), join()]
    rows = together(2, lambda who: [carriers[who].claim() for _ in range(5)])
    assert sorted(row.source_id for claimed in rows for row in claimed) == [f"{n:02}" for n in range(10)]
    assert {row.claimed_by for row in rows[0]} == {carriers[0].worker.number}


def test_worker_when_a_run_holds_the_lease_is_refused(join: Callable[[], Carrier]) -> None:
    carrier = join()
    with (
        Lease(carrier.database, "other"),
        pytest.raises(RunActiveError, match="other: another run is active"),
        carrier.worker.share("other"),
    ):
        pass


def test_run_when_a_worker_shares_the_connector_is_refused(join: Callable[[], Carrier]) -> None:
    with pytest.raises(RunActiveError), Lease(join().database, "stock"):
        pass


def test_worker_when_its_connection_is_lost_writes_and_sends_nothing_and_another_takes_its_row(
    join: Callable[[], Carrier], eventually: Callable[..., Any]
) -> None:
    first, second = join(), join()
    row = first.claim()
    first.lose()
    assert eventually(lambda: taken(second)) == row.source_id
    with pytest.raises(LeaseLostError):
        first.worker.verify()
    # Its sessions are ended as well: the first write finds that out.
    with pytest.raises(StateError):
        first.ledger.mark_pushed(row, PushResult("late"))
    with pytest.raises(LeaseLostError):
        first.ledger.mark_pushed(row, PushResult("late"))
    assert second.ledger.find([row.source_id])[row.source_id].state is RowState.RUNNING


def taken(carrier: Carrier) -> str | None:
    """Claim one more row; return its id if another worker has left it."""
    row = carrier.ledger.claim()
    return row.source_id if row is not None and row.attempts else None


def test_worker_when_its_row_is_claimed_anew_under_its_number_writes_nothing_of_the_earlier_claim(
    join: Callable[[], Carrier],
) -> None:
    carrier = join()
    row = carrier.claim()
    carrier.ledger.release()
    again = [carrier.claim() for _ in range(10)][-1]
    assert (again.source_id, again.claim) == (row.source_id, row.claim + 1)
    with pytest.raises(LeaseLostError, match="another worker has taken it over"):
        carrier.ledger.checkpoint(row, b"late")


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_worker_when_its_process_is(
    way: signal.Signals,
    join: Callable[[], Carrier],
    cluster_url: str,
    tmp_path: Path,
    child: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    """Its row is taken over; when it wakes, it sends and writes nothing."""
    process = child("carry_rows", cluster_url, tmp_path, "stock")
    held = process.stdout.readline().strip()
    process.send_signal(way)
    carrier = join()
    assert eventually(lambda: taken(carrier)) == held
    process.send_signal(signal.SIGCONT)
    said, _ = process.communicate("\n")
    assert said == ("" if way is signal.SIGKILL else "sends nothing\nwrites nothing\n")
    assert carrier.ledger.find([held])[held].claimed_by == carrier.worker.number


def test_worker_when_frozen_with_a_lock_for_which_all_writes_wait_is_ended(
    join: Callable[[], Carrier], cluster_url: str, tmp_path: Path
) -> None:
    carrier = join()
    database, session = open_worker_database(cluster_url, tmp_path)
    values = {"owner": "frozen", "session": session, "version": "1", "threads": 1}
    values |= dict.fromkeys(("started_at", "heartbeat_at"), datetime(2026, 1, 1, tzinfo=UTC))
    with contextlib.closing(database), database.engine.connect() as frozen, ThreadPoolExecutor(1) as pool:
        frozen.begin()
        count_up(frozen, "stock")
        writing = pool.submit(carrier.claim)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with carrier.database.engine.connect() as asking:
            until(lambda: asking.exec_driver_sql(waiting).scalar_one())
        # From now on it is a worker, whose last heartbeat is old.
        with database.engine.begin() as connection:
            connection.execute(sa.insert(worker_table).values(values))
        assert writing.result(timeout=30).source_id == "00"
        frozen.invalidate()


def test_worker_when_it_ends_leaves_its_rows_to_others(
    join: Callable[[], Carrier], cluster_url: str, tmp_path: Path
) -> None:
    database, session = open_worker_database(cluster_url, tmp_path)
    with contextlib.closing(database), Worker(database, session) as worker, worker.share("stock") as epoch:
        row = Ledger(database, "stock", epoch, worker=worker.number).claim()
    assert row is not None
    assert join().claim().source_id == row.source_id


def test_worker_when_a_row_waits_for_the_next_run_claims_it_after_the_next_listing(
    join: Callable[[], Carrier], cluster_url: str
) -> None:
    from datetime import timedelta

    carrier = join()
    rows = [carrier.claim() for _ in range(10)]
    carrier.ledger.mark_waiting(rows[0], "not yet", timedelta(0))
    assert carrier.ledger.claim() is None
    carrier.ledger.begin_round()
    assert carrier.claim().source_id == rows[0].source_id


def test_worker_when_it_writes_keeps_no_heartbeat_waiting(join: Callable[[], Carrier]) -> None:
    carrier = join()
    with carrier.ledger._write() as connection:
        beat = sa.text("UPDATE worker SET heartbeat_at = clock_timestamp() WHERE id = :id")
        with carrier.database.engine.begin() as other:
            other.execute(sa.text("SET LOCAL lock_timeout = '1ms'"))
            assert other.execute(beat, {"id": carrier.worker.number}).rowcount == 1
        assert connection.in_transaction()
