"""What a worker does for each kind of job, in a real PostgreSQL, without the engine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from damlink._config.edit import document
from damlink._config.load import load
from damlink._run.runner import Stopping
from damlink._run.session import Session
from damlink._serve.jobs import Job, JobKind
from damlink._serve.work import Threads, Work
from damlink._state.inbox import DISPATCHER, Inbox, Notification
from damlink._state.lease import Lease
from damlink._state.runs import Runs
from damlink._state.worker import Worker, open_worker_database


@attrs.define
class Desk:
    """One worker of a config with one connector, and the jobs that it has offered."""

    work: Work
    inbox: Inbox
    runs: Runs
    offered: list[Job] = attrs.field(factory=list)

    def offer(self, job: Job) -> bool:
        self.offered.append(job)
        return True

    def look(self) -> list[Job]:
        self.offered.clear()
        self.work.do(Job(JobKind.TIMETABLE))
        return self.offered

    def tell(self, portal: str, at: datetime) -> None:
        told = Notification(
            portal=portal, topic="t", message_id=f"m {portal}", subject="s", message="{}", occurred_at=at
        )
        self.inbox.put(told)


@pytest.fixture
def clock() -> list[datetime]:
    return [datetime(2026, 1, 1, tzinfo=UTC)]


@pytest.fixture
def desk(copied: Callable[[], str], tmp_path: Path, server: Any, clock: list[datetime]) -> Iterator[Desk]:
    portal = {"url": server.url, "token": {"env": "DAMLINK_KEY"}}
    tables = {"state": {"url": copied()}, "portals": {"brand": portal, "other": portal}}
    drop = {"plugin": "folder", "portal": "brand", "address": str(tmp_path), "every": "1h"}
    tables["connectors"] = {"drop": drop}
    (tmp_path / "damlink.toml").write_text(document(tables))
    config = load(tmp_path / "damlink.toml")
    database, name = open_worker_database(config.state.url, tmp_path)
    database.now = lambda: clock[-1]  # type: ignore[method-assign]
    with (
        contextlib.closing(database),
        Session(config, database=database, urgent=True, now=lambda: clock[-1]) as session,
        Worker(database, name) as worker,
    ):
        work = Work(session, worker, Threads(1))
        made = Desk(work, Inbox(database), Runs(database, "drop"))
        work.offer = made.offer
        yield made


def test_timetable_when_a_portal_has_ready_events_offers_its_inbox(desk: Desk, clock: list[datetime]) -> None:
    desk.tell("other", clock[-1])
    assert Job(JobKind.INBOX, "other") not in desk.look()
    clock.append(clock[-1] + timedelta(minutes=1))
    assert [job for job in desk.look() if job.kind is JobKind.INBOX] == [Job(JobKind.INBOX, "other")]


def test_inbox_when_worked_processes_the_events_of_its_portal_alone(
    desk: Desk, clock: list[datetime]
) -> None:
    desk.tell("brand", clock[-1])
    desk.tell("other", clock[-1])
    clock.append(clock[-1] + timedelta(minutes=1))
    desk.work.do(Job(JobKind.INBOX, "brand"))
    assert (desk.inbox.open_count("brand"), desk.inbox.open_count("other")) == (0, 1)


def test_inbox_when_another_process_works_it_leaves_the_events(desk: Desk, clock: list[datetime]) -> None:
    desk.tell("brand", clock[-1])
    clock.append(clock[-1] + timedelta(minutes=1))
    with Lease(desk.inbox._database, DISPATCHER, lambda *_: None):
        desk.work.do(Job(JobKind.INBOX, "brand"))
    assert desk.inbox.open_count("brand") == 1


def test_inbox_when_its_jobs_are_of_two_portals_lets_one_work_at_a_time() -> None:
    assert Job(JobKind.INBOX, "brand").lock == Job(JobKind.INBOX, "other").lock
    assert Job(JobKind.INBOX, "brand").waiting_lock != Job(JobKind.INBOX, "other").waiting_lock


def test_tidy_when_worked_deletes_what_was_finished_long_ago(desk: Desk, clock: list[datetime]) -> None:
    desk.tell("brand", clock[-1])
    clock.append(clock[-1] + timedelta(days=40))
    assert Job(JobKind.TIDY) in desk.look()
    assert Job(JobKind.TIDY) not in desk.look()
    desk.work.do(Job(JobKind.TIDY))
    assert desk.inbox.open_count() == 0


# Failed runs, each with the type of its error and the seconds of its begin and end, and how long it rests.
FAILED = {
    "one": ([("ConfigError", 0, 1)], 60),
    "one after the other": ([("ConfigError", 0, 1), ("AuthError", 61, 62), ("ConfigError", 182, 183)], 240),
    "at the same time": ([("ConfigError", 0, 5), ("ConfigError", 1, 6), ("ConfigError", 2, 7)], 60),
    "by the database": ([("StateError", 0, 1), ("StateError", 5, 6), ("StateError", 10, 11)], 4),
    "by the database, then otherwise": ([("StateError", 0, 1), ("ConfigError", 5, 6)], 60),
    "of an earlier version": ([("", 0, 1)], 60),
}


@pytest.mark.parametrize("case", FAILED)
def test_timetable_when_runs_have_failed_rests_as_long_as_their_cause_asks_for(
    desk: Desk, clock: list[datetime], case: str
) -> None:
    failed, seconds = FAILED[case]
    numbers, began = {}, clock[-1]
    moments = sorted([(start, True, at) for at, (_, start, _) in enumerate(failed)])
    moments += sorted([(end, False, at) for at, (_, _, end) in enumerate(failed)])
    for second, begins, at in sorted(moments):
        clock.append(began + timedelta(seconds=second))
        if begins:
            numbers[at] = desk.runs.begin(1, listing=True, every=3600)
        else:
            totals = {"error_type": failed[at][0]} if failed[at][0] else {}
            desk.runs.end(numbers[at], 3, totals, "it failed")
    ended = clock[-1]
    for after, is_offered in ((0, False), (seconds - 1, False), (seconds, True)):
        clock.append(ended + timedelta(seconds=after))
        assert (JobKind.LIST in {job.kind for job in desk.look()}) is is_offered, after


def hold(threads: Threads, held: contextlib.ExitStack, *, is_urgent: bool = False) -> int:
    return held.enter_context(threads.take(2, Stopping(), is_urgent=lambda: is_urgent))


def test_threads_when_a_back_fill_has_all_lend_one_more_to_an_event_and_no_second_one() -> None:
    threads = Threads(2)
    with contextlib.ExitStack() as back_fill, contextlib.ExitStack() as event:
        assert hold(threads, back_fill) == 2
        assert hold(threads, event, is_urgent=True) == 1
        second: list[int] = []
        stopping = Stopping()

        def wait() -> None:
            with threads.take(2, stopping, is_urgent=lambda: True) as count:
                second.append(count)

        waiting = threading.Thread(target=wait)
        waiting.start()
        event.close()
        waiting.join(10)
        assert second == [1]
        back_fill.close()
        assert hold(threads, event) == 2


def test_threads_when_an_event_comes_to_one_that_waits_lend_it_one_more() -> None:
    threads, told = Threads(1), iter([False, False, True])
    with contextlib.ExitStack() as held:
        hold(threads, held)
        with threads.take(1, Stopping(), is_urgent=lambda: next(told)) as count:
            assert count == 1
        assert list(told) == []
