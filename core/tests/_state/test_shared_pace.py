"""The account of an egress address in a real PostgreSQL."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from damlink._http.lanes import Lanes, urgent_requests
from damlink._http.rate_limiter import RateLimiter
from damlink._state.database import Database
from damlink._state.shared_pace import SharedPace
from damlink._state.worker import Worker, open_worker_database
from damlink._system.waiting import verify_nothing
from damlink.errors import LeaseLostError, StateError, StoppedError

Open = Callable[..., SharedPace]


@pytest.fixture
def account(copied: Callable[[], str], tmp_path: Path) -> Iterator[Database]:
    with contextlib.closing(Database(copied(), tmp_path)) as database:
        yield database


@pytest.fixture
def open_pace(account: Database) -> Iterator[Open]:
    """One more process of the address: 100 requests in 60 s, unless said otherwise."""
    with contextlib.ExitStack() as closing:

        def begin(*, requests: int = 100, seconds: float = 60.0, **options: Any) -> SharedPace:
            pace = SharedPace(account, "office", requests, seconds, 1.0, **options)
            closing.callback(pace.close)
            return pace

        yield begin


def send(pace: RateLimiter, number: int = 1, verify: Callable[[], None] = verify_nothing) -> None:
    for _ in range(number):
        with pace.permit(verify):
            pass


def test_account_when_two_processes_send_counts_both(open_pace: Open) -> None:
    first, second = open_pace(), open_pace()
    send(first, 5)
    send(second, 3)
    first.close()
    second.close()
    assert open_pace().budget().used == 8


def test_account_when_the_address_is_another_counts_apart(open_pace: Open, account: Database) -> None:
    send(open_pace(), 5)
    with contextlib.closing(SharedPace(account, "home", 100, 60.0, 1.0)) as other:
        assert other.budget().used == 0


def test_account_when_one_process_meets_a_429_silences_all(open_pace: Open) -> None:
    first, second = open_pace(), open_pace()
    send(first)
    second.silence()
    assert first.budget().silent_seconds > 50
    held: list[float] = []
    first.on_hold = held.append
    with pytest.raises(StoppedError), first.permit(verify=raising_after(held, first)):
        pass


def raising_after(held: list[float], pace: SharedPace) -> Callable[[], None]:
    def verify() -> None:
        if held:
            raise StoppedError("it waits")

    # What it had leased is old.
    pace._leased_at = float("-inf")
    return verify


def test_account_when_new_begins_with_what_the_machine_has_sent(open_pace: Open) -> None:
    send(open_pace(count_earlier=lambda: 30))
    other = open_pace(count_earlier=lambda: 99)
    send(other)
    assert 32 <= other.budget().used <= 34


def test_permit_when_the_request_is_not_sent_is_given_back(open_pace: Open) -> None:
    pace = open_pace()
    with pytest.raises(LeaseLostError), pace.permit():
        raise LeaseLostError("taken over")
    pace.close()
    assert open_pace().budget().used == 0


def test_account_when_a_worker_has_died_counts_what_it_leased_as_used(
    account: Database, tmp_path: Path, open_pace: Open
) -> None:
    url = account.url.render_as_string(hide_password=False)
    database, name = open_worker_database(url, tmp_path)
    with contextlib.closing(database), Worker(database, name) as worker:
        dead = open_pace(requests=1000, worker=worker.number)
        send(dead, 2)
        dead._closed.set()
        leased = dead.budget().used
    alive = open_pace(requests=1000)
    send(alive)
    assert leased >= 2
    assert alive.budget().used >= leased
    with account.read() as connection:
        query = sa.text("SELECT count(*) FROM pace_lease WHERE worker IS NOT NULL")
        assert connection.execute(query).scalar() == 0


def test_permit_when_the_database_is_away_spends_what_is_leased_and_then_nothing(
    open_pace: Open, account: Database
) -> None:
    pace = open_pace(requests=1000)
    send(pace)
    left = pace._unspent
    with account.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE pace_account RENAME TO away"))
    send(pace, left)
    with pytest.raises(StateError):
        send(pace, 1)
    with account.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO pace_account"))
    send(pace, 1)


def test_lanes_when_the_back_fill_has_used_its_part_give_urgent_requests_theirs(open_pace: Open) -> None:
    lanes = Lanes(open_pace(urgent=True), open_pace())
    lanes.keep_reserve()
    other = open_pace()
    held: list[float] = []
    other.on_hold = lanes._other.on_hold = held.append
    send(other, 50)
    with urgent_requests():
        send(lanes, 9)
    assert held == []
    with pytest.raises(StoppedError):
        send(lanes, 5, verify=lambda: stop_if(held))


def stop_if(held: list[float]) -> None:
    if held:
        raise StoppedError("it waits")


def test_lanes_when_silenced_silence_both(open_pace: Open) -> None:
    lanes = Lanes(open_pace(urgent=True), open_pace())
    lanes.silence()
    assert lanes.budget().silent_seconds > 50
    lanes.close()


def test_account_when_four_processes_are_busy_lets_no_window_have_more_than_the_limit(
    open_pace: Open, together: Callable[..., list[Any]]
) -> None:
    """Each holds a permit from before its request is sent until after it is answered."""
    paces = [open_pace(requests=30, seconds=1.5) for _ in range(4)]
    ends = time.monotonic() + 4.5

    def work(who: int) -> list[tuple[float, float]]:
        spans = []
        while time.monotonic() < ends:
            with paces[who].permit():
                began = time.monotonic()
                spans.append((began, time.monotonic()))
        return spans

    moments = sorted(end for spans in together(4, work) for _, end in spans)
    most = max(sum(end - 1.5 < each <= end for each in moments) for end in moments)
    assert 0 < most <= 30
