"""A database that was restored from a backup is noticed, and nothing is carried or paid for again."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest
from loopback import Site, assert_arrived_once_and_whole


def licences(site: Site) -> int:
    return site.sandbox.world.counts["licences"]


@pytest.fixture
def backup(site: Site, tmp_path: Path) -> Path:
    """A backup made after three assets; all others have been carried since."""
    site.run("run", "--limit", "3")
    shutil.copy(site.folder / "damlink.db", tmp_path / "backup.db")
    site.run("run")
    site.sandbox.world.clock.advance(5)
    return tmp_path / "backup.db"


def restore(site: Site, backup: Path) -> None:
    for file in site.folder.glob("damlink.db-*"):
        file.unlink()
    shutil.copy(backup, site.folder / "damlink.db")


@pytest.mark.parametrize("command", ["run", "plan"])
def test_database_when_older_than_its_last_run_is_refused(site: Site, backup: Path, command: str) -> None:
    restore(site, backup)
    before = licences(site)
    said = site.run(command, expect=3).stderr
    assert "the database is older than the last run of stock" in said
    assert "`damlink state accept`" in said
    assert licences(site) == before


def test_restored_database_when_accepted_carries_and_pays_nothing_again(site: Site, backup: Path) -> None:
    restore(site, backup)
    before = licences(site)
    assert "accepted" in site.run("state", "accept").stdout
    site.run("run")
    site.run("run", "--full")
    assert licences(site) == before
    assert_arrived_once_and_whole(site, {*site.licensed()})
    assert "nothing to accept" in site.run("state", "accept").stdout


def test_restored_database_when_the_connector_is_reset_adopts(site: Site, backup: Path) -> None:
    restore(site, backup)
    before = licences(site)
    site.run("state", "reset", "stock", "--yes")
    site.run("run")
    assert licences(site) == before
    assert_arrived_once_and_whole(site, {*site.licensed()})


ANSWERS = {"accepted": ("accept",), "reset": ("reset", "stock", "--yes")}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_restored_database_when_people_have_archived_the_assets_carries_none_again(
    site: Site, backup: Path, answer: tuple[str, ...]
) -> None:
    stored = [asset["id"] for asset in itertools.chain(*site.stored().values())]
    for asset in stored:
        site.sandbox.part("bynder").control("change_asset", {"id": asset, "archive": True})
    restore(site, backup)
    before = licences(site)
    site.run("state", *answer)
    site.run("run")
    assert licences(site) == before
    assert sorted(asset["id"] for asset in itertools.chain(*site.stored().values())) == sorted(stored)


@pytest.mark.parametrize("left", ["database", "marker"])
def test_database_or_marker_when_missing_is_not_refused(site: Site, backup: Path, left: str) -> None:
    if left == "database":
        shutil.rmtree(site.folder / "databases")
    else:
        (site.folder / "damlink.db").unlink()
    site.run("run")
    assert_arrived_once_and_whole(site, {*site.licensed()})


def test_marker_when_it_cannot_be_read_is_said_in_a_line(site: Site, backup: Path) -> None:
    (marker,) = (site.folder / "databases").glob("*/stock")
    marker.write_text("?")
    assert "not a marker of Damlink's" in site.run("run", expect=3).stderr
