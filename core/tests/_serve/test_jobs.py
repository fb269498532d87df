"""The contract of what runs connectors, held by both: threads of one process, and the jobs of the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from damlink._config.edit import document
from damlink._config.load import load
from damlink._model import SourceAsset
from damlink._run.session import Session
from damlink._serve.engine import JOBS_SCHEMA, upgrade_engine
from damlink._serve.jobs import Runner
from damlink._serve.scheduler import Schedule
from damlink._serve.worker_process import WorkerProcess
from damlink._state.database import Database
from damlink._state.inbox import Inbox, Notification
from damlink._state.ledger import Ledger
from damlink._state.worker import open_worker_database

PLUGIN = """
import time
import attrs
from pathlib import Path
from damlink import *

about = About(title="Acme", summary="Pictures.", every="2h")

@attrs.frozen
class settings_class:
    folder: str = setting()

def note(ctx, line):
    with (Path(ctx.settings.folder) / "log").open("a") as log:
        log.write(f"{line}\\n")

def wait_while(ctx, name):
    while (Path(ctx.settings.folder) / name).exists():
        time.sleep(0.01)

@hookimpl
def list_source_assets(ctx):
    note(ctx, "list")
    wait_while(ctx, "slow to list")
    yield SourceAsset("1", "a")
    yield SourceAsset("2", "a")
    note(ctx, "listed")

@hookimpl
def transform(ctx, source):
    note(ctx, f"carry {source.source_id}")
    wait_while(ctx, "slow to carry")
    return Skip("enough")

@hookimpl
def push(source):
    return PushResult(source.source_id)
"""


@attrs.define
class Place:
    """A config whose state several runners share, each with a database of its own."""

    folder: Path
    engine: str
    running: contextlib.ExitStack

    def open(self) -> tuple[Session, Database | None, str]:
        """Open a session, as a process of its own would."""
        config, database, name = load(self.folder / "damlink.toml"), None, ""
        if self.engine:
            database, name = open_worker_database(self.engine, self.folder)
            self.running.callback(database.close)
        return self.running.enter_context(Session(config, database=database)), database, name

    def start(self) -> Runner:
        session, _, name = self.open()
        runner: Runner = WorkerProcess(session, name, threads=2) if name else Schedule(session)
        runner.start()
        self.running.callback(runner.join, 60)
        self.running.callback(runner.stop)
        # A test that fails must not wait for them.
        self.running.callback(self.allow, "slow to list")
        self.running.callback(self.allow, "slow to carry")
        return runner

    def forbid(self, name: str) -> None:
        (self.folder / name).touch()

    def allow(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def bring(self, *ids: str) -> None:
        session, _, _ = self.open()
        Inbox(session.database).settle((), {"stock": [SourceAsset(each, "a") for each in ids]})

    def lose_jobs(self) -> None:
        """Lose what the engine was asked to do; threads have nothing that could be lost."""
        _, database, _ = self.open()
        if database is not None:
            with database.write() as connection:
                # Its triggers name its tables without the schema.
                connection.execute(sa.text(f"SET LOCAL search_path = {JOBS_SCHEMA}"))
                connection.execute(sa.text("DELETE FROM procrastinate_jobs WHERE status = 'todo'"))

    def is_done(self) -> bool:
        session, _, _ = self.open()
        counts = Ledger(session.database, "stock").counts()
        return bool(counts) and set(counts) == {"skipped"}

    @property
    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture(params=["threads", "engine"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, install: Callable[..., Path], server: Any
) -> Iterator[Place]:
    install("acme", PLUGIN)
    url = request.getfixturevalue("copied")() if request.param == "engine" else "sqlite:///damlink.db"
    tables = {
        "state": {"url": url},
        "serve": {"event_pause": "1s"},
        "pace": {"requests": 1_000_000},
        "portals": {"brand": {"url": server.url, "token": {"env": "DAMLINK_KEY"}}},
        "connectors": {"stock": {"plugin": "acme", "folder": str(tmp_path), "workers": 1}},
    }
    (tmp_path / "damlink.toml").write_text(document(tables))
    if request.param == "engine":
        with contextlib.closing(Database(url, tmp_path)) as database:
            upgrade_engine(database)
    with contextlib.ExitStack() as running:
        yield Place(tmp_path, url if request.param == "engine" else "", running)


def test_runner_when_started_lists_and_carries_what_is_due(
    place: Place, eventually: Callable[..., Any]
) -> None:
    runner = place.start()
    eventually(place.is_done)
    assert (runner.is_alive, place.log) == (True, ["list", "listed", "carry 1", "carry 2"])


def test_runner_when_stopped_finishes_what_is_under_way_and_begins_nothing_else(
    place: Place, eventually: Callable[..., Any]
) -> None:
    place.forbid("slow to carry")
    runner = place.start()
    eventually(lambda: "carry 1" in place.log)
    runner.stop()
    place.allow("slow to carry")
    assert runner.join(60)
    assert (runner.is_alive, "carry 2" in place.log) == (False, False)


def test_runners_when_there_are_two_list_a_connector_one_at_a_time(
    place: Place, eventually: Callable[..., Any]
) -> None:
    place.forbid("slow to list")
    runners = [place.start(), place.start()]
    eventually(lambda: "list" in place.log)
    for runner in runners * 3:
        runner.wake()
    place.allow("slow to list")
    eventually(place.is_done)
    assert [line for line in place.log if line.startswith("list")] == ["list", "listed"]


def test_runner_when_a_job_is_lost_finds_what_is_due(place: Place, eventually: Callable[..., Any]) -> None:
    runner = place.start()
    eventually(place.is_done)
    place.bring("7")
    runner.wake()
    place.lose_jobs()
    eventually(lambda: "carry 7" in place.log)


def test_runner_when_nobody_wakes_it_finds_what_is_due(place: Place, eventually: Callable[..., Any]) -> None:
    place.start()
    eventually(place.is_done)
    place.bring("7")
    eventually(lambda: "carry 7" in place.log)


def test_runners_when_the_same_job_is_done_twice_carry_each_asset_once(
    place: Place, together: Callable[..., list[Any]], eventually: Callable[..., Any]
) -> None:
    runners = [place.start(), place.start()]
    together(4, lambda number: runners[number % 2].wake())
    eventually(place.is_done)
    together(4, lambda number: runners[number % 2].wake())
    assert sorted(line for line in place.log if line.startswith("carry")) == ["carry 1", "carry 2"]


@pytest.mark.parametrize("place", ["engine"], indirect=True)
def test_engine_when_an_event_has_arrived_processes_it(place: Place, eventually: Callable[..., Any]) -> None:
    place.start()
    session, _, _ = place.open()
    told = Notification(
        portal="brand", topic="t", message_id="1", subject="s", message="{}", occurred_at=datetime.now(UTC)
    )
    Inbox(session.database).put(told)
    eventually(lambda: not Inbox(session.database).open_count())
