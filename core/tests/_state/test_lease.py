from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from damlink._model import SourceAsset
from damlink._state.database import Database
from damlink._state.lease import BEAT_SECONDS, SILENT_AFTER_SECONDS, Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.rows import RowState
from damlink._state.tables import lease as lease_table
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
    assert eventually(lambda: tried(database)) == holder.epoch + 1


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
                assert all(refused.acquire(timeout=60) for _ in range(3))
                return lease.epoch
        except RunActiveError:
            refused.release()
            return 0

    assert sorted(together(4, attempt)) == [0, 0, 0, 1]


@pytest.mark.parametrize("jump", [-86_400.0, 61.0, 86_400.0], ids=["a day back", "61 s ahead", "a day ahead"])
def test_lease_when_a_clock_is_set_is_not_taken_from_a_living_holder(
    database: Database, hold: Hold, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    holder = hold()
    monkeypatch.setattr(time, "time", lambda tell=time.time: tell() + jump)
    wake_up_later(monkeypatch, jump)
    age_heartbeat(database, jump)
    with pytest.raises(RunActiveError, match=f"/{holder.pid}/"):
        taken(database)


def test_lease_when_its_heart_has_stopped_is_still_its_holders_and_says_so(
    database: Database, hold: Hold
) -> None:
    holder = hold()
    age_heartbeat(database, SILENT_AFTER_SECONDS + 1)
    expected = (
        rf"/{holder.pid}/\d+\), without a heartbeat for 6\d s; it may be frozen: stop that process, then"
    )
    with pytest.raises(RunActiveError, match=expected):
        taken(database)


def age_heartbeat(database: Database, seconds: float) -> None:
    """Show the heartbeat as it looks from a clock that is so many seconds ahead."""
    with database.write() as connection:
        (beat,) = connection.execute(sa.select(lease_table.c.heartbeat_at)).one()
        older = sa.update(lease_table).values(heartbeat_at=beat - timedelta(seconds=seconds))
        connection.execute(older)


def lose_lock(lease: Lease, database: Database) -> None:
    """Take a lease's lock away, as somebody does who clears a folder up, or a server that starts anew."""
    if database.file:
        shutil.rmtree(f"{database.file}.locks")
        return
    # With a time the call waits until the session has ended; without, its lock may live on for a moment.
    sessions = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
    with database.write() as connection:
        connection.exec_driver_sql(f"{sessions} AND pid <> pg_backend_pid()")


@pytest.fixture
def outlived(database: Database, time_: Any, eventually: Callable[..., Any]) -> Any:
    """A run that lost its lock while another took over: its lease, its ledger, and a row that it carries."""
    with Lease(database, "stock") as lease:
        ledger = Ledger(database, "stock", lease.epoch)
        ledger.record(Listed([SourceAsset("1", "a")]), "s")
        row = ledger.claim()
        lose_lock(lease, database)
        eventually(lambda: tried(database))
        yield lease, ledger, row


def test_verify_when_another_has_taken_over_raises_as_soon_as_it_asks(outlived: Any) -> None:
    lease, _, _ = outlived
    with pytest.raises(LeaseLostError, match="^stock: another run has taken over; this one stops$"):
        lease.verify()
    with pytest.raises(LeaseLostError):
        lease.verify()


def test_verify_when_another_has_the_lock_raises_though_it_has_not_begun(
    database: Database, eventually: Callable[..., Any]
) -> None:
    with Lease(database, "stock") as lease:
        lose_lock(lease, database)
        other = Lease(database, "stock")
        assert eventually(other._lock.acquire)
        with pytest.raises(LeaseLostError):
            lease.verify()
        other._lock.release()


def test_verify_when_its_lock_was_lost_and_nobody_has_it_takes_it_back(database: Database) -> None:
    with Lease(database, "stock") as lease:
        lose_lock(lease, database)
        lease.verify()
        with pytest.raises(RunActiveError):
            taken(database)


@pytest.mark.parametrize("clock", ["time", "clock_gettime"], ids=["by the date", "by the boot clock"])
def test_verify_when_the_machine_was_suspended_asks_the_database(
    database: Database, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    with Lease(database, "stock") as lease:
        lease.verify()
        with database.write() as connection:
            connection.execute(sa.update(lease_table).values(epoch=lease.epoch + 1))
        lease.verify()  # the heartbeat is young yet
        tell, later = getattr(time, clock), 2 * BEAT_SECONDS + 1
        monkeypatch.setattr(time, clock, lambda *which: tell(*which) + later)
        with pytest.raises(LeaseLostError):
            lease.verify()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_lease_when_the_database_is_opened_by_another_name_is_the_same(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "other.db").symlink_to(database.file)
    with contextlib.closing(Database("sqlite:///elsewhere/other.db", tmp_path)) as other:
        with Lease(database, "stock"), pytest.raises(RunActiveError):
            taken(other)
        assert not Path(f"{other.file}.locks").exists()


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
        RowState.RUNNING: lambda: ledger.checkpoint(row, b"notes"),
        RowState.PUSHED: lambda: ledger.mark_skipped(row, "no"),
        RowState.FAILED: lambda: ledger.mark_failed(row, "no"),
    }
    before = list(ledger.rows())
    with pytest.raises(LeaseLostError):
        writes[state]()
    assert list(ledger.rows()) == before


def test_lease_when_left_lets_the_next_begin_at_once_though_it_was_lost(
    outlived: Any, database: Database
) -> None:
    lease, _, _ = outlived
    lease.__exit__(None, None, None)
    assert taken(database) == lease.epoch + 2


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_lease_when_the_database_has_hung_up_is_a_state_error(
    database: Database, opened: Callable[[], Database]
) -> None:
    others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
    with opened().read() as connection:
        connection.exec_driver_sql(f"{others} AND pid <> pg_backend_pid()")
    with pytest.raises(StateError, match="terminating connection"):
        taken(database)
    assert taken(database) == 1
