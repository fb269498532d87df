from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from damlink._state.database import Database
from damlink._state.inbox import DISPATCHER
from damlink._state.lease import SILENT_AFTER_SECONDS, Lease
from damlink._state.scheduling import Scheduling, read_scheduling
from damlink._state.tables import lease, worker


@pytest.fixture
def cluster_database(copied: Callable[[], str], tmp_path: Path) -> Iterator[Database]:
    with contextlib.closing(Database(copied(), tmp_path)) as database:
        yield database


def beat_at(database: Database, before: timedelta) -> None:
    """Move the heartbeat of the dispatcher's lease back."""
    with database.write() as connection:
        at = connection.execute(sa.select(lease.c.heartbeat_at)).scalar_one()
        connection.execute(sa.update(lease).values(heartbeat_at=at - before))


def test_schedule_when_no_process_has_been_there_is_not_kept(database: Database) -> None:
    assert not read_scheduling(database).covers("stock")


def test_schedule_is_kept_from_beginning_to_end_of_a_serve(database: Database) -> None:
    with Lease(database, DISPATCHER):
        assert read_scheduling(database).covers("stock")
    assert not read_scheduling(database).covers("stock")


def test_schedule_when_the_serve_is_silent_is_not_kept(database: Database) -> None:
    with Lease(database, DISPATCHER):
        beat_at(database, timedelta(seconds=SILENT_AFTER_SECONDS + 1))
        assert not read_scheduling(database).covers("stock")


def test_schedule_when_the_serve_was_killed_is_not_kept_from_then_on(
    database: Database, url: str, tmp_path: Path, child: Callable[..., Any]
) -> None:
    holder = child("hold_lease", url, tmp_path, DISPATCHER)
    holder.stdout.readline()
    assert read_scheduling(database).covers("stock")
    holder.kill()
    holder.wait()
    assert not read_scheduling(database).covers("stock")


def test_schedule_when_only_a_connector_runs_is_not_kept(database: Database) -> None:
    with Lease(database, "stock"):
        assert not read_scheduling(database).covers("stock")


@pytest.mark.parametrize(
    ("only", "changes", "kept"),
    [
        ([], {}, True),
        (["stock"], {}, True),
        (["other"], {}, False),
        ([], {"drains": True}, False),
        ([], {"ended_at": sa.func.now()}, False),
    ],
    ids=["all", "this", "another", "draining", "ended"],
)
def test_schedule_is_kept_by_a_living_worker_of_the_connector(
    cluster_database: Database, only: list[str], changes: dict[str, Any], kept: bool
) -> None:
    now = sa.func.now()
    record = {"owner": "there/1/1", "session": "", "version": "1", "threads": 4, "only": json.dumps(only)}
    with cluster_database.write() as connection:
        connection.execute(
            sa.insert(worker).values(record | {"started_at": now, "heartbeat_at": now} | changes)
        )
    assert read_scheduling(cluster_database).covers("stock") is kept


def test_scheduling_when_all_are_served_covers_every_connector() -> None:
    assert Scheduling(served=True).covers("any")
