"""What a worker does for each kind of job, in a real PostgreSQL, without the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from damlink._config.edit import document
from damlink._config.load import load
from damlink._run.session import Session
from damlink._serve.jobs import Job, JobKind
from damlink._serve.work import Threads, Work
from damlink._state.inbox import DISPATCHER, Inbox, Notification
from damlink._state.lease import Lease
from damlink._state.worker import Worker, open_worker_database


@attrs.define
class Desk:
    """One worker of a config without connectors, and the jobs that it has offered."""

    work: Work
    inbox: Inbox
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
        made = Desk(work, Inbox(database))
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
