"""The job engine in a real PostgreSQL: its tables."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from damlink._serve.engine import JOBS_SCHEMA, adopt_log, find_pending, upgrade_engine
from damlink._state.database import Database


@pytest.fixture
def cluster(copied: Callable[[], str], tmp_path: Path) -> Iterator[Database]:
    """A PostgreSQL database that is set up, without the engine's tables."""
    with contextlib.closing(Database(copied(), tmp_path)) as database:
        yield database


def tables(database: Database, schema: str) -> set[str]:
    with database.read() as connection:
        return set(sa.inspect(connection).get_table_names(schema=schema))


def test_engine_when_its_tables_are_missing_needs_the_whole_schema(cluster: Database) -> None:
    assert find_pending(cluster) == ["schema.sql"]


def test_engine_when_upgraded_has_its_tables_in_a_schema_of_its_own(cluster: Database) -> None:
    ours = tables(cluster, "public")
    upgrade_engine(cluster)
    assert "procrastinate_jobs" in tables(cluster, JOBS_SCHEMA)
    assert tables(cluster, "public") == ours
    assert find_pending(cluster) == []


def test_engine_when_upgraded_by_several_at_once_is_upgraded_once(
    cluster: Database, together: Callable[..., list[object]]
) -> None:
    together(4, lambda _number: upgrade_engine(cluster))
    assert find_pending(cluster) == []


def test_engine_when_a_file_is_new_applies_that_alone(cluster: Database) -> None:
    upgrade_engine(cluster)
    newest = "03.03.00_01_pre_priority_lock_fetch_job.sql"
    with cluster.write() as connection:
        connection.execute(sa.text(f"DELETE FROM {JOBS_SCHEMA}.applied WHERE name = :name"), {"name": newest})
    assert find_pending(cluster) == [newest]
    upgrade_engine(cluster)
    assert find_pending(cluster) == []


def test_engine_when_it_reports_an_error_says_it_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "damlink.jobs")
    adopt_log()
    try:
        raise ValueError("the server\nis away")
    except ValueError:
        logging.getLogger("procrastinate.worker").exception("stopping worker")
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("damlink.jobs", "stopping worker: the server is away")
    assert record.exc_info is None
