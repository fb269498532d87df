"""A PostgreSQL that restarts, fails over, deadlocks or refuses: one line, and no asset lost or paid twice."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest
import sqlalchemy as sa
from loopback import Site, assert_arrived_once_and_whole, until
from psycopg import sql

from damlink_sandbox import Fault

PATIENCE_SECONDS = 60.0


@pytest.fixture
def address(postgres: Callable[[], str], site: Site) -> str:
    """The address of the site's database, which is on PostgreSQL."""
    made = str(postgres())
    site.tables["state"] = {"url": made}
    site.portal.control("lag", {"index": 0})
    site.write()
    return made


@pytest.fixture
def admin(address: str) -> Iterator[psycopg.Connection]:
    """A session of the administrator, in another database of the server."""
    elsewhere = sa.make_url(address).set(database="postgres")
    with psycopg.connect(elsewhere.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


def name_of(address: str) -> str:
    return str(sa.make_url(address).database)


def end_sessions(admin: psycopg.Connection, address: str) -> int:
    """End all sessions of the database, as a restart or a failover does; how many there were."""
    ended = admin.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", [name_of(address)]
    ).fetchone()
    return int(ended[0]) if ended else 0


@contextlib.contextmanager
def closed(admin: psycopg.Connection, address: str) -> Iterator[None]:
    """Nobody may connect to the database meanwhile, and all sessions are ended."""
    allow(admin, address, False)
    end_sessions(admin, address)
    yield
    allow(admin, address, True)


def allow(admin: psycopg.Connection, address: str, is_open: bool) -> None:
    alter = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    admin.execute(alter.format(sql.Identifier(name_of(address)), sql.SQL(str(is_open).lower())))


def set_option(admin: psycopg.Connection, address: str, text: str) -> None:
    admin.execute(sql.SQL("ALTER DATABASE {} ").format(sql.Identifier(name_of(address))) + sql.SQL(text))  # type: ignore[arg-type]


def the_line(err: str) -> str:
    (line,) = [line for line in err.splitlines() if line.startswith("damlink: ")]
    assert "Traceback" not in err
    assert "; " in line
    return line


def held_save(site: Site, skip: int) -> Fault:
    """The portal holds the answer to a save back until it is told."""
    save = Fault(service="portal", match="POST /api/v4/media/save", kind="delay", skip=skip, seconds=600)
    site.sandbox.world.faults.add(save)
    return save


def assert_the_next_run_finishes(site: Site) -> None:
    site.sandbox.world.faults.clear()
    if site.run("run", expect=None).returncode:
        site.run("retry", "stock")
        site.run("run")
    assert {asset["state"] for asset in site.assets()} == {"pushed"}
    assert_arrived_once_and_whole(site, {*site.licensed()})
    assert site.sandbox.world.counts["licences"] == len(site.licensed())


@pytest.mark.parametrize("skip", [pytest.param(0, marks=pytest.mark.acceptance), 4])
def test_run_when_the_server_restarts_in_the_middle_loses_nothing(
    site: Site, address: str, admin: psycopg.Connection, skip: int
) -> None:
    save = held_save(site, skip)
    child = site.start("run", "--workers", "1")
    until(lambda: save.struck > 0, PATIENCE_SECONDS)
    assert end_sessions(admin, address) > 0
    save.seconds = 0.0
    _, err = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode in (0, 1, 3, 5), err
    assert "Traceback" not in err
    assert_the_next_run_finishes(site)


@pytest.mark.acceptance
def test_run_when_the_server_is_away_for_longer_says_so_and_the_next_goes_on(
    site: Site, address: str, admin: psycopg.Connection
) -> None:
    save = held_save(site, 3)
    child = site.start("run", "--workers", "1")
    until(lambda: save.struck > 0, PATIENCE_SECONDS)
    with closed(admin, address):
        save.seconds = 0.0
        _, err = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode in (3, 5), err
    the_line(err)
    assert_the_next_run_finishes(site)


@pytest.mark.acceptance
@pytest.mark.parametrize("command", ["run", "status", "plan"])
def test_command_when_nobody_may_connect_says_so(
    site: Site, address: str, admin: psycopg.Connection, command: str
) -> None:
    site.run("run", "--limit", "2")
    with closed(admin, address):
        line = the_line(site.run_child(command, expect=3).stderr)
    assert "check the database and state.url" in line
    assert_the_next_run_finishes(site)


@pytest.mark.parametrize("begun", [True, pytest.param(False, marks=pytest.mark.acceptance)])
def test_run_when_the_database_is_read_only_says_so(
    site: Site, address: str, admin: psycopg.Connection, begun: bool
) -> None:
    site.run("run", "--limit", "2", expect=None) if begun else None
    set_option(admin, address, "SET default_transaction_read_only = on")
    line = the_line(site.run_child("run", expect=3).stderr)
    set_option(admin, address, "RESET default_transaction_read_only")
    assert "read-only" in line
    assert "primary" in line
    assert_the_next_run_finishes(site)


def test_run_when_there_are_too_many_connections_says_so(
    site: Site, address: str, admin: psycopg.Connection, postgres: Callable[[], str]
) -> None:
    site.run("run", "--limit", "2")
    user = "damlink_few"
    admin.execute(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER CONNECTION LIMIT 0").format(sql.Identifier(user)))
    admin.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER").format(sql.Identifier(user)))
    site.tables["state"]["url"] = (
        sa.make_url(address).set(username=user).render_as_string(hide_password=False)
    )
    site.write()
    line = the_line(site.run_child("run", expect=3).stderr)
    site.tables["state"]["url"] = address
    site.write()
    admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(user)))
    assert "too many connections" in line
    assert "max_connections" in line
    assert_the_next_run_finishes(site)


@pytest.mark.acceptance
def test_run_when_another_session_locks_rows_the_other_way_round_loses_nothing(
    site: Site, address: str
) -> None:
    site.run("run", "--limit", "3")
    with psycopg.connect(address) as other:
        # A run locks its lease first, then rows, then the counters of its connector.
        other.execute("LOCK TABLE counter IN EXCLUSIVE MODE")
        child = site.start("run", "--full")
        until(lambda: is_blocked(other), PATIENCE_SECONDS)
        with contextlib.suppress(psycopg.errors.DeadlockDetected):
            other.execute("SELECT * FROM ledger FOR UPDATE")
            other.execute("SELECT * FROM lease FOR UPDATE")
        other.rollback()
    _, err = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode in (0, 1, 3, 5), err
    assert "Traceback" not in err
    assert_the_next_run_finishes(site)


def is_blocked(connection: psycopg.Connection) -> bool:
    """Whether another session waits for a lock of this one."""
    with psycopg.connect(connection.info.dsn) as looking:
        row = looking.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))",
            [connection.info.backend_pid],
        ).fetchone()
    return bool(row and row[0])


def copy_database(admin: psycopg.Connection, name: str, template: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    admin.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    )


def test_run_when_the_database_is_restored_from_yesterday_pays_nothing_again(
    site: Site, address: str, admin: psycopg.Connection
) -> None:
    name = name_of(address)
    site.run("run", "--limit", "3")
    copy_database(admin, f"{name}_backup", name)
    site.run("run")
    before = site.sandbox.world.counts["licences"]
    copy_database(admin, name, f"{name}_backup")
    line = the_line(site.run("run", expect=3).stderr)
    assert "`damlink state accept`" in line
    site.run("state", "accept")
    assert_the_next_run_finishes(site)
    assert site.sandbox.world.counts["licences"] == before
