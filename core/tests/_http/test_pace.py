from __future__ import annotations

import contextlib
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from damlink._http.client import open_client
from damlink._http.pace import Pace, default_path

Open = Callable[..., Pace]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pace.db"


@pytest.fixture
def opened(file: Path) -> Iterator[Open]:
    """Open the account; closed at the end."""
    with contextlib.ExitStack() as closing:

        def open_pace(*values: Any, **options: Any) -> Pace:
            return closing.enter_context(contextlib.closing(Pace(file, *values, **options)))

        yield open_pace


def test_default_path_when_the_environment_names_a_folder_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_path() == tmp_path / "state" / "pace.db"
    monkeypatch.delenv("DAMLINK_STATE_DIR")
    assert default_path() == tmp_path / "xdg" / "damlink" / "pace.db"


def test_pace_when_first_opened_makes_a_folder_for_its_owner_alone(opened: Open, file: Path) -> None:
    opened()
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("requests", "share", "allowed"), [(4500, 0.8, 3600), (4500, 1.0, 4500), (10, 0.55, 5), (1, 0.1, 1)]
)
def test_budget_when_a_share_is_ours_allows_no_more(
    opened: Open, requests: int, share: float, allowed: int
) -> None:
    budget = opened(requests, 300.0, share).budget()
    assert (budget.allowed, budget.used, budget.window_seconds) == (allowed, 0, 300.0)


def test_permit_when_held_counts_now_and_afterwards(opened: Open) -> None:
    pace = opened(1000, 60.0)
    with pace.permit():
        assert pace.budget().used == 1
    with pace.permit():
        assert pace.budget().used == 2


def test_permits_when_all_requests_are_answered_are_stored_with_the_times_of_their_answers(
    opened: Open, file: Path
) -> None:
    pace = opened(1000, 60.0)
    with pace.permit():
        with pace.permit():
            pass
        before = time.clock_gettime(time.CLOCK_BOOTTIME)
    with contextlib.closing(sqlite3.connect(file)) as database:
        second, first = database.execute("SELECT answered FROM permit ORDER BY id").fetchall()
    assert first[0] <= before <= second[0]


def test_permit_when_its_request_fails_counts_all_the_same(opened: Open) -> None:
    pace = opened(1000, 60.0)
    with pytest.raises(RuntimeError), pace.permit():
        raise RuntimeError("no answer")
    assert pace.budget().used == 1


def test_permit_when_all_are_in_flight_is_given_a_window_after_the_first_answer(
    opened: Open, eventually: Callable[..., Any]
) -> None:
    held: list[float] = []
    pace = opened(2, 0.3, 1.0, held.append)
    with contextlib.ExitStack() as flying:
        flying.enter_context(pace.permit())
        flying.enter_context(pace.permit())
        held.clear()
        got: list[float] = []
        third = threading.Thread(target=lambda: got.append(taken(pace)))
        third.start()
        eventually(lambda: len(held) >= 5)
        assert got == []
        landed = time.time()
    third.join()
    assert got[0] >= landed + 0.3


def taken(pace: Pace) -> float:
    with pace.permit():
        return time.time()


def test_permit_when_waited_for_tells_how_long(opened: Open) -> None:
    pace = opened(1, 0.5, 1.0)
    with pace.permit():
        answered = time.monotonic()
    began = time.monotonic()
    with pace.permit() as waited:
        passed = time.monotonic() - began
    assert answered + 0.5 - began <= waited <= passed


def test_permit_when_a_process_died_in_flight_is_given_a_window_later(
    opened: Open, file: Path, child: Callable[..., Any]
) -> None:
    process = child("hold_permits", file, 5, 0.5)
    assert process.stdout.readline() == "held\n"
    pace = opened(5, 0.5, 1.0)
    assert pace.budget().used == 5
    process.kill()
    process.wait()
    killed = time.time()
    assert killed + 0.5 <= taken(pace) < killed + 60


def test_permit_when_the_clock_was_set_back_is_given_soon(opened: Open, file: Path) -> None:
    pace = opened(2, 0.2, 1.0)
    with pace.permit(), pace.permit():
        pass
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("UPDATE gate SET next_at = next_at + 3600, silent_until = next_at + 3600")
        database.execute("UPDATE permit SET sent = sent + 3600, answered = answered + 3600")
    began = time.time()
    assert taken(pace) - began < 60


def test_silence_when_one_is_told_to_holds_all(opened: Open) -> None:
    one, other = opened(10, 0.2), opened(10, 0.2)
    began = time.time()
    one.silence()
    left = other.budget().silent_seconds
    assert began + 1.2 - time.time() <= left <= 1.2
    assert taken(other) >= began + 1.2


@pytest.fixture
def senders(server: Any, file: Path, child: Callable[..., Any]) -> Callable[..., None]:
    """Let processes send as fast as they may until the server answers 204."""

    def send(number: int, requests: int) -> None:
        processes = [child("ask_paced", file, requests, 1.0, server.url) for _ in range(number)]
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * number
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait() for process in processes] == [0] * number

    return send


def test_pace_when_several_processes_share_it_fills_every_window_and_overfills_none(
    server: Any, senders: Callable[..., None]
) -> None:
    requests = 50
    server.serve(lambda _: server.reply(200 if len(server.asked) < 4 * requests else 204))
    senders(3, requests)
    times = sorted(asked.at for asked in server.asked)
    spans = [last - first for first, last in zip(times, times[requests:], strict=False)]
    assert min(spans) >= 1.0
    # Half, because other work holds these processes up; `make acceptance` measures a minute of it.
    assert len(times) >= 0.5 * requests * (times[-1] - times[0])


def test_pace_when_a_429_comes_is_silent_everywhere_for_a_window(
    server: Any, senders: Callable[..., None]
) -> None:
    def answer(asked: Any) -> Any:
        if asked in server.asked[19:20]:
            return server.reply(429)
        return server.reply(200 if len(server.asked) < 30 else 204)

    server.serve(answer)
    senders(2, 50)
    times = sorted(asked.at for asked in server.asked)
    # One request of the other process may be on its way when the silence begins, and arrive in it.
    assert max(later - earlier for earlier, later in zip(times, times[2:], strict=False)) >= 2.0


def test_client_when_paced_takes_a_permit_for_every_send(opened: Open, server: Any, hurried: None) -> None:
    pace = opened(1000, 10.0)
    server.then(503).then(302, headers={"Location": "/b"})
    with open_client(server.url, pace=pace) as client:
        client.get("/a")
    assert pace.budget().used == len(server.asked) == 3
