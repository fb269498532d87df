"""Workers: several processes on one PostgreSQL carry the same connector; some are killed or frozen."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from loopback import (
    Site,
    assert_arrived_once_and_whole,
    assert_downloads_repeated_are_reported,
    prepare_workers,
    until,
)
from postgres_server import postgres_server, restart

import damlink
from damlink._state.database import SCHEMA
from damlink_sandbox import Fault

PATIENCE_SECONDS = 90.0
CORE = Path(damlink.__file__).parents[1]
NEXT = f"{int(SCHEMA) + 1:04}"
ADDED = """
import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"
branch_labels = depends_on = None


def upgrade():
    op.add_column("ledger", sa.Column("added", sa.Integer, nullable=False, server_default="0"))
"""


@pytest.fixture
def cluster(postgres: Callable[[], str], site: Site) -> Site:
    """The site on a PostgreSQL database that is ready for workers."""
    return prepare_workers(site, str(postgres()))


def ended(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    return err


def all_pushed(site: Site) -> bool:
    states = {asset["state"] for asset in site.assets()}
    return bool(states) and states == {"pushed"}


def assert_all_arrived_once(site: Site) -> None:
    assert_arrived_once_and_whole(site, {*site.licensed()})
    assert site.sandbox.world.counts["licences"] == len(site.licensed())


def test_workers_when_two_start_carry_everything_once_and_end_on_sigterm(
    cluster: Site, start: Callable[..., Any]
) -> None:
    workers = [start(), start()]
    until(lambda: all_pushed(cluster), PATIENCE_SECONDS)
    for worker in workers:
        ended(worker)
    assert_all_arrived_once(cluster)


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(signal.SIGKILL, id="killed"),
        pytest.param(signal.SIGSTOP, id="frozen", marks=pytest.mark.acceptance),
    ],
)
def test_worker_when_gone_in_the_middle_of_a_transfer_is_replaced_by_another(
    way: signal.Signals, cluster: Site, start: Callable[..., Any]
) -> None:
    save = Fault(service="portal", match="POST /api/v4/media/save", kind="delay", seconds=600, times=1)
    cluster.sandbox.world.faults.add(save)
    first = start()
    until(lambda: save.struck > 0, PATIENCE_SECONDS)
    first.send_signal(way)
    save.seconds = 0.0
    second = start()
    until(lambda: all_pushed(cluster), PATIENCE_SECONDS)
    first.send_signal(signal.SIGCONT)
    ended(second)
    assert_arrived_once_and_whole(cluster, {*cluster.licensed()})
    # The other transfer of the worker that is gone may have lost the answer of its download.
    assert sum(assert_downloads_repeated_are_reported(cluster).values()) <= 1


def test_worker_when_the_database_is_sqlite_is_refused_with_the_cure(site: Site) -> None:
    result = site.run("worker", expect=3)
    assert "state.url: workers need PostgreSQL; set state.url to postgresql://" in result.stderr


def test_worker_when_the_tables_of_the_engine_are_missing_is_refused_with_the_cure(
    postgres: Callable[[], str], site: Site
) -> None:
    site.tables["state"] = {"url": str(postgres())}
    site.write()
    assert "run `damlink state upgrade`" in site.run("worker", expect=3).stderr


def test_workers_when_the_schema_becomes_newer_go_on_and_an_older_one_is_refused_by_its_name(
    cluster: Site, start: Callable[..., Any]
) -> None:
    running = start()
    until(lambda: json.loads(cluster.run("workers", "--json").stdout), PATIENCE_SECONDS)
    known = set_version(cluster, "9999")
    refused = cluster.run("worker", expect=3).stderr
    assert "the database is newer (9999) than this Damlink; install the Damlink that wrote it" in refused
    set_version(cluster, known)
    until(lambda: all_pushed(cluster), PATIENCE_SECONDS)
    ended(running)


def test_workers_when_the_next_release_upgrades_the_database_carry_beside_its_own(
    cluster: Site, start: Callable[..., Any], tmp_path: Path
) -> None:
    slow = Fault(service="portal", kind="delay", seconds=0.3, times=0)
    cluster.sandbox.world.faults.add(slow)
    of_next = {**cluster.environment, "PYTHONPATH": str(make_next_release(tmp_path / "next"))}
    worker = start()
    until(lambda: states(cluster).get("pushed", 0) > 0, PATIENCE_SECONDS)
    # The other one takes a while to start, and must find something to carry.
    slow.seconds = 2.0
    upgrade = cluster.start("state", "upgrade", fresh=True, environment=of_next)
    out, err = upgrade.communicate(timeout=PATIENCE_SECONDS)
    assert (upgrade.returncode, f"from version {SCHEMA} to version {NEXT}" in out) == (0, True), out + err
    assert {*states(cluster)} != {"pushed"}, "all was carried before the upgrade"
    with cluster.start("worker", "--concurrency", "2", fresh=True, environment=of_next) as next_worker:
        try:
            until(lambda: len(carriers(cluster)) == 2, PATIENCE_SECONDS)
            slow.seconds = 0.1
            until(lambda: {*states(cluster)} == {"pushed"}, PATIENCE_SECONDS)
            refused = cluster.run("worker", expect=3).stderr
            assert f"the database is newer ({NEXT}) than this Damlink" in refused
            ended(worker)
            ended(next_worker)
        finally:
            next_worker.kill()
    stored = {key: len(assets) for key, assets in cluster.stored().items()}
    assert stored == dict.fromkeys(cluster.licensed(), 1)


def states(site: Site) -> dict[str, int]:
    """How many rows are in each state, whatever version the database is of."""
    with psycopg.connect(site.tables["state"]["url"]) as connection:
        return dict(connection.execute("SELECT state, count(*) FROM ledger GROUP BY 1").fetchall())


def carriers(site: Site) -> set[int]:
    """The workers that have claimed a row last, by number."""
    with psycopg.connect(site.tables["state"]["url"]) as connection:
        query = "SELECT DISTINCT claimed_by FROM ledger WHERE claimed_by IS NOT NULL"
        return {number for (number,) in connection.execute(query)}


def make_next_release(folder: Path) -> Path:
    """Copy the core, with one migration more: a column of the ledger."""
    shutil.copytree(CORE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    state = folder / "damlink/_state"
    versions = state / "migrations/versions"
    (versions / f"{NEXT}_added.py").write_text(ADDED.format(before=SCHEMA, number=NEXT))
    database = state / "database.py"
    text = database.read_text()
    assert text.count(f'SCHEMA: Final = "{SCHEMA}"') == 1
    database.write_text(text.replace(f'SCHEMA: Final = "{SCHEMA}"', f'SCHEMA: Final = "{NEXT}"'))
    return folder


@pytest.mark.acceptance
def test_workers_when_the_database_restarts_go_on_and_carry_everything_once(
    own_cluster: Site, start: Callable[..., Any]
) -> None:
    cluster = own_cluster
    save = Fault(service="portal", match="POST /api/v4/media/save", kind="delay", seconds=1, times=0)
    cluster.sandbox.world.faults.add(save)
    workers = [start(), start()]
    until(lambda: save.struck > 1, PATIENCE_SECONDS)
    restart(cluster.tables["state"]["url"])
    until(lambda: all_pushed(cluster), PATIENCE_SECONDS)
    for worker in workers:
        ended(worker)
    assert_arrived_once_and_whole(cluster, {*cluster.licensed()})
    # The answer to a licence may come while the database is away, so that it cannot be noted.
    assert_downloads_repeated_are_reported(cluster)


@pytest.fixture
def own_cluster(cluster: Site) -> Iterator[Site]:
    """The same on a server of its own, which may be restarted."""
    with postgres_server() as make:
        cluster.tables["state"] = {"url": make()}
        cluster.write()
        cluster.run("state", "upgrade")
        yield cluster


def set_version(site: Site, number: str) -> str:
    """Say that the schema is of this version; what it said before."""
    with psycopg.connect(site.tables["state"]["url"]) as connection:
        ((before,),) = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        connection.execute("UPDATE alembic_version SET version_num = %s", [number])
    return str(before)


def test_workers_when_drained_end_after_what_is_under_way(cluster: Site, start: Callable[..., Any]) -> None:
    worker = start()
    (record,) = until(lambda: json.loads(cluster.run("workers", "--json").stdout), PATIENCE_SECONDS)
    assert str(record["number"]) in cluster.run("worker", "--drain").stdout
    _, err = worker.communicate(timeout=PATIENCE_SECONDS)
    assert worker.returncode == 0, err
    assert json.loads(cluster.run("workers", "--json").stdout) == []


def test_serve_when_the_database_is_ready_for_workers_is_one_of_them(
    cluster: Site, start: Callable[..., Any], serve: Callable[..., Any]
) -> None:
    serving, worker = serve(), start()
    until(lambda: all_pushed(cluster), PATIENCE_SECONDS)
    found = json.loads(cluster.run("workers", "--json").stdout)
    assert {int(each["owner"].split("/")[-2]) for each in found} == {serving.pid, worker.pid}
    ended(serving)
    ended(worker)
    assert_all_arrived_once(cluster)


@pytest.fixture
def serve(cluster: Site) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    with contextlib.ExitStack() as running:

        def begin() -> subprocess.Popen[str]:
            process = running.enter_context(cluster.start("serve", "--port", "0"))
            running.callback(process.kill)
            return process

        yield begin
