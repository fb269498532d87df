"""A database whose write-ahead log is cut, missing, another's or garbage: no asset is lost or paid twice."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from loopback import Site, assert_arrived_once_and_whole


def cut(site: Site) -> None:
    wal = site.folder / "damlink.db-wal"
    os.truncate(wal, wal.stat().st_size // 2)


def torn(site: Site) -> None:
    wal = site.folder / "damlink.db-wal"
    data = bytearray(wal.read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    wal.write_bytes(data)


def without_index(site: Site) -> None:
    (site.folder / "damlink.db-shm").unlink()


def without_log(site: Site) -> None:
    (site.folder / "damlink.db-wal").unlink()
    (site.folder / "damlink.db-shm").unlink()


def of_another(site: Site) -> None:
    other = site.folder / "other.db"
    connection = sqlite3.connect(other, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE ledger (a)")
    shutil.copy(f"{other}-wal", site.folder / "damlink.db-wal")
    connection.close()
    (site.folder / "damlink.db-shm").unlink()


def rarely(damage: Callable[[Site], None]) -> Any:
    """A case for `make acceptance`."""
    return pytest.param(damage, marks=pytest.mark.acceptance)


@pytest.fixture
def crashed(site: Site) -> Site:
    """The files of a run that was killed: what it has carried last is in the log only."""
    site.portal.control("lag", {"index": 0})
    site.run("run", "--limit", "2")
    reader = sqlite3.connect(site.folder / "damlink.db", isolation_level=None)
    reader.execute("SELECT count(*) FROM ledger").fetchone()
    site.run("run", "--limit", "4")
    files = [site.folder / f"damlink.db{end}" for end in ("", "-wal", "-shm")]
    for file in files:
        shutil.copy(file, file.with_name(f"kept-{file.name}"))
    reader.close()
    for file in files:
        file.unlink(missing_ok=True)
        file.with_name(f"kept-{file.name}").rename(file)
    return site


@pytest.mark.parametrize(
    "damage", [cut, *map(rarely, (torn, without_index)), without_log], ids=lambda each: each.__name__
)
def test_run_when_the_log_is_damaged_carries_nothing_twice(
    crashed: Site, damage: Callable[[Site], None]
) -> None:
    before = crashed.sandbox.world.counts["licences"]
    assert before == 6
    damage(crashed)
    if crashed.run("run", expect=None).returncode:
        assert "accepted" in crashed.run("state", "accept").stdout
        crashed.run("run")
    assert_arrived_once_and_whole(crashed, {*crashed.licensed()})
    assert crashed.sandbox.world.counts["licences"] == len(crashed.licensed())
    assert {asset["state"] for asset in crashed.assets()} == {"pushed"}


def is_garbage(site: Site) -> None:
    for end in ("", "-wal", "-shm"):
        (site.folder / f"damlink.db{end}").write_bytes(b"\xff" * 9000)


@pytest.mark.parametrize("damage", [of_another, rarely(is_garbage)], ids=lambda each: each.__name__)
def test_run_when_the_database_is_beyond_repair_says_so_and_a_new_one_finds_what_has_arrived(
    crashed: Site, damage: Callable[[Site], None]
) -> None:
    damage(crashed)
    (line,) = [each for each in crashed.run("run", expect=3).stderr.splitlines() if "damlink: " in each]
    assert "put a backup in its place" in line
    for end in ("", "-wal", "-shm"):
        (crashed.folder / f"damlink.db{end}").unlink(missing_ok=True)
    crashed.run("run")
    assert_arrived_once_and_whole(crashed, {*crashed.licensed()})
    assert crashed.sandbox.world.counts["licences"] == len(crashed.licensed())
