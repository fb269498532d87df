"""A database that cannot be used stops a run with one line, and costs no asset."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import COMMAND, Site, assert_arrived_once_and_whole, until

from damlink._secrets.crypto import new_key
from damlink_sandbox import Fault

POLL_SECONDS = 0.005
PATIENCE_SECONDS = 60.0


def the_line(err: str) -> str:
    """The one line that says what stopped the run; the others tell what it had carried, or of open files."""
    others = ("stock: pushed ", " is open to other users: ")
    (line,) = [each for each in err.splitlines() if not any(other in each for other in others)]
    assert line.startswith("damlink: ")
    return line


def database(site: Site) -> Path:
    return site.folder / "damlink.db"


def assert_the_next_run_finishes(site: Site) -> None:
    """Nothing is lost and nothing doubled."""
    site.run("run")
    assert {asset["state"] for asset in site.assets()} == {"pushed"}
    assert_arrived_once_and_whole(site, {*site.licensed()})
    assert site.sandbox.world.counts["licences"] == len(site.licensed())


@pytest.fixture
def begun(site: Site) -> Site:
    """A site where a run has carried two assets."""
    site.run("run", "--limit", "2")
    return site


@contextlib.contextmanager
def write_lock(path: Path) -> Iterator[None]:
    """Another program writes to the database, and does not come to an end."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.acceptance  # a locked database is waited for, half a minute
def test_run_when_another_program_holds_the_database_says_so(begun: Site) -> None:
    with write_lock(database(begun)):
        line = the_line(begun.run("run", expect=3).stderr)
    assert line.endswith(
        "damlink.db: database is locked; another program holds the database: close it, then run again"
    )
    assert_the_next_run_finishes(begun)


def test_run_when_the_database_is_held_for_a_moment_waits(begun: Site) -> None:
    lock = begun.folder / "damlink.db.locks" / "stock.lock"
    lock.unlink()
    with write_lock(database(begun)):
        child = begun.start("run")
        until(lock.exists, PATIENCE_SECONDS, pause=POLL_SECONDS)  # it is about to write
        assert begun.run("status").stderr == ""  # who only looks need not wait
        assert child.poll() is None
    _, err = child.communicate(timeout=PATIENCE_SECONDS)
    assert child.returncode == 0, err
    assert_arrived_once_and_whole(begun, {*begun.licensed()})


def remove_in_the_middle(site: Site) -> Path:
    """Take the database away while the portal saves the fourth asset; where it is now."""
    save = Fault(service="portal", match="POST /api/v4/media/save", kind="delay", skip=3, seconds=600)
    site.sandbox.world.faults.add(save)
    child = site.start("run", "--workers", "1")
    until(lambda: save.struck > 0, PATIENCE_SECONDS, pause=POLL_SECONDS)
    aside = database(site).rename(site.folder / "aside.db")
    save.seconds = 0.0
    _, err = child.communicate(timeout=PATIENCE_SECONDS)
    assert (child.returncode, site.sandbox.world.counts["saves"]) == (3, 4)
    assert the_line(err).endswith("damlink.db: the database file is gone; put it back, then run again")
    return aside


def test_run_when_the_database_goes_in_the_middle_stops_and_goes_on_when_it_is_back(site: Site) -> None:
    aside = remove_in_the_middle(site)
    aside.rename(database(site))
    assert_the_next_run_finishes(site)


def test_run_when_the_database_is_lost_for_good_takes_over_what_has_arrived(site: Site) -> None:
    remove_in_the_middle(site)
    site.sandbox.world.clock.advance(5)  # the portal's lists show the last asset
    site.run("run")
    assert [asset["reason"] for asset in site.assets()].count("found in the portal") == 4
    assert_arrived_once_and_whole(site, {*site.licensed()})


def test_database_when_newer_than_the_code_is_left_alone(begun: Site) -> None:
    known = set_version(database(begun), "9999")
    for command in ("run", "status"):
        line = the_line(begun.run(command, expect=3).stderr)
        assert "the database is newer (9999) than this Damlink; install the Damlink that wrote it" in line
    set_version(database(begun), known)
    assert_the_next_run_finishes(begun)


def set_version(path: Path, number: str) -> str:
    """Say that the database is of this version; what it said before."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        (before,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = ?", (number,))
    return str(before)


WRONG_KEY = (
    "the key from DAMLINK_KEY does not open the database; give the key the database was used with "
    "(DAMLINK_KEY, the keyring, or its key file)"
)
NO_KEY = "DAMLINK_KEY: not URL-safe base64 of 32 bytes; make one with `damlink secret key`"


@pytest.mark.parametrize(
    ("key", "said"),
    [pytest.param(new_key(), WRONG_KEY, id="another one"), pytest.param("none", NO_KEY, id="malformed")],
)
def test_key_when_wrong_opens_nothing_and_spoils_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, key: str, said: str
) -> None:
    site.run("run")
    site.istock.control("license", {"count": 2, "size": 20_000})
    monkeypatch.setenv("DAMLINK_KEY", key)
    result = site.run("run", expect=3)
    assert the_line(result.stderr).endswith(said)
    assert key not in result.stderr.replace(NO_KEY, "")
    monkeypatch.delenv("DAMLINK_KEY")
    assert_the_next_run_finishes(site)


def test_key_when_wrong_leaves_no_note_behind_of_what_was_due(
    begun: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAMLINK_KEY", new_key())
    begun.run("run", expect=3)
    monkeypatch.delenv("DAMLINK_KEY")
    assert_the_next_run_finishes(begun)


# --- a folder that cannot be written ---------------------------------------------------------------

# Root may write anywhere; without this capability it is a user like any other.
AS_A_USER = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
sys.platform == "linux" and ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def run_as_a_user(site: Site) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", AS_A_USER, *COMMAND, "run"]
    return subprocess.run(
        command,
        cwd=site.folder,
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write into the folder, or to a file in it."""
    files = [file for file in folder.iterdir() if file.name.startswith("damlink.db") and file.is_file()]
    modes = {path: path.stat().st_mode for path in (*files, folder)}
    for path in modes:
        path.chmod(0o555)
    yield
    for path, mode in modes.items():
        path.chmod(mode)


def test_run_when_the_folder_is_read_only_says_so_before_anything_begins(site: Site) -> None:
    with read_only(site.folder):
        result = run_as_a_user(site)
    assert result.returncode == 3, result.stderr
    line = the_line(result.stderr)
    assert "damlink.db: unable to open database file; " in line
    assert line.endswith("check that the folder exists, that it can be written, and that its disk has room")
    assert_the_next_run_finishes(site)


def test_run_when_the_folder_has_become_read_only_says_so_and_the_next_goes_on(begun: Site) -> None:
    with read_only(begun.folder):
        result = run_as_a_user(begun)
    assert result.returncode == 3, result.stderr
    assert the_line(result.stderr).endswith(
        "check that the folder exists, that it can be written, and that its disk has room"
    )
    assert_the_next_run_finishes(begun)
