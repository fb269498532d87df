from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from damlink._model import SourceAsset
from damlink._state import Database, Lease, Ledger, Listed, RowState
from damlink._state._lease import BEAT_SECONDS, LOST_AFTER_SECONDS
from damlink.errors import LeaseLostError, RunActiveError, StateError

Hold = Callable[..., Any]


@pytest.fixture
def hold(url: str, tmp_path: Path, database: Database, child: Callable[..., Any]) -> Hold:
    """Another process that holds a lease; `None` as its epoch says that it did not get it."""

    def start(connector: str = "stock") -> Any:
        process = child("hold_lease", url, tmp_path, connector)
        process.epoch = int(process.stdout.readline())
        return process

    return start


def taken(database: Database, **options: Any) -> int:
    with Lease(database, "stock", **options) as lease:
        lease.verify()
        return lease.epoch


def test_lease_when_taken_again_and_again_raises_the_epoch(database: Database) -> None:
    assert [taken(database) for _ in range(3)] == [1, 2, 3]


def test_lease_when_another_process_holds_it_is_refused_until_that_is_killed(
    database: Database, hold: Hold, eventually: Callable[..., Any]
) -> None:
    holder = hold()
    with pytest.raises(RunActiveError) as caught:
        taken(database)
    assert f"/{holder.pid}/" in str(caught.value)
    assert str(caught.value).endswith("; wait for it to end, or stop that process")
    assert caught.value.exit_code == 5
    holder.kill()
    holder.wait()
    assert eventually(lambda: tried(database), seconds=5) == holder.epoch + 1


def tried(database: Database) -> int | None:
    """A server may take a moment to see that a client has gone."""
    try:
        return taken(database)
    except RunActiveError:
        return None


def test_lease_when_of_another_connector_is_free(database: Database) -> None:
    with Lease(database, "other"):
        assert taken(database) == 1


def test_lease_when_held_by_this_process_is_refused_too(database: Database) -> None:
    with Lease(database, "stock"), pytest.raises(RunActiveError):
        taken(database)


@pytest.mark.parametrize("round_", range(5))
def test_lease_when_several_begin_at_once_is_one_of_theirs(
    database: Database, together: Callable[..., Any], round_: int
) -> None:
    refused = threading.Semaphore(0)

    def attempt(_: int) -> int:
        try:
            with Lease(database, "stock") as lease:
                assert all(refused.acquire(timeout=10) for _ in range(3))
                return lease.epoch
        except RunActiveError:
            refused.release()
            return 0

    assert sorted(together(4, attempt)) == [0, 0, 0, 1]


def test_lease_when_its_heart_has_stopped_is_taken_though_its_lock_is_held(
    database: Database, hold: Hold, time_: Any
) -> None:
    with Lease(database, "stock", now=time_) as frozen:
        time_.pass_by(seconds=LOST_AFTER_SECONDS - 1)
        with pytest.raises(RunActiveError):
            taken(database, now=time_)
        time_.pass_by(seconds=1)
        assert taken(database, now=time_) == frozen.epoch + 1


@pytest.fixture
def outlived(database: Database, time_: Any) -> Any:
    """A run that was frozen while another took over: its lease, its ledger, and a row that it carries."""
    with Lease(database, "stock", now=time_) as lease:
        ledger = Ledger(database, "stock", lease.epoch)
        ledger.record(Listed([SourceAsset("1", "a")]), "s", time_())
        row = ledger.claim(time_())
        time_.pass_by(seconds=LOST_AFTER_SECONDS)
        taken(database, now=time_)
        yield lease, ledger, row


def test_verify_when_another_has_taken_over_raises_as_soon_as_it_asks(
    outlived: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, _, _ = outlived
    lease.verify()  # the heartbeat is young yet
    wake_up_later(monkeypatch, 2 * BEAT_SECONDS + 1)
    with pytest.raises(LeaseLostError, match="^stock: another run has taken over; this one stops$"):
        lease.verify()
    with pytest.raises(LeaseLostError):
        lease.verify()


def test_verify_when_only_late_goes_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lease(database, "stock") as lease:
        wake_up_later(monkeypatch, 1000)
        lease.verify()


def wake_up_later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Move the machine's own clock, as if it had been suspended."""
    monkeypatch.setattr(time, "clock_gettime", lambda clock, tell=time.clock_gettime: tell(clock) + seconds)


@pytest.mark.parametrize("state", [RowState.RUNNING, RowState.PUSHED, RowState.FAILED], ids=str)
def test_writes_when_another_has_taken_over_are_refused_and_change_nothing(
    outlived: Any, database: Database, time_: Any, state: RowState
) -> None:
    _, ledger, row = outlived
    writes: dict[RowState, Callable[[], object]] = {
        RowState.RUNNING: lambda: ledger.checkpoint(row, b"notes", time_()),
        RowState.PUSHED: lambda: ledger.skipped(row, "no", time_()),
        RowState.FAILED: lambda: ledger.failed(row, "no", time_()),
    }
    before = list(ledger.rows())
    with pytest.raises(LeaseLostError):
        writes[state]()
    assert list(ledger.rows()) == before


def test_lease_when_left_lets_the_next_begin_at_once_though_it_was_lost(
    outlived: Any, database: Database, time_: Any
) -> None:
    lease, _, _ = outlived
    lease.__exit__(None, None, None)
    assert taken(database, now=time_) == lease.epoch + 2


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_lease_when_the_database_has_hung_up_is_a_state_error(
    database: Database, opened: Callable[[], Database]
) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with opened().read() as connection:
        connection.exec_driver_sql(f"{others} AND pid <> pg_backend_pid()")
    with pytest.raises(StateError, match="terminating connection"):
        taken(database)
    assert taken(database) == 1
