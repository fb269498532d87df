"""A pace.db that is damaged, locked or in the way: one line with path, cause and cure, or a new one."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from damlink._http.pace import Pace
from damlink._http.pace_file import PaceFile
from damlink.errors import StateError


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an account of ten permits, closed; they come no faster than the rate."""
    folder = tmp_path_factory.mktemp("prepared") / "state"
    with contextlib.closing(Pace(folder / "pace.db", 1000, 300.0)) as pace:
        for _ in range(10):
            with pace.permit():
                pass
    return folder


@pytest.fixture
def file(prepared: Path, tmp_path: Path) -> Path:
    """A copy of that account."""
    return Path(shutil.copytree(prepared, tmp_path / "state")) / "pace.db"


def is_none(path: Path) -> None:
    path.write_bytes(b"this is no database\n" * 500)


def is_cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def is_empty(path: Path) -> None:
    os.truncate(path, 0)


def is_torn(path: Path) -> None:
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * (size - 100))


def is_of_another_program(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE permit (colour TEXT)")


DAMAGES = [is_none, is_cut, is_empty, is_torn, is_of_another_program]


def name_of(value: Callable[[Path], None]) -> str:
    return value.__name__


@pytest.mark.parametrize("damage", DAMAGES, ids=name_of)
def test_pace_when_its_file_is_damaged_begins_anew_with_a_window_of_silence(
    file: Path, damage: Callable[[Path], None]
) -> None:
    damage(file)
    with contextlib.closing(Pace(file, 1000, 300.0)) as pace:
        budget = pace.budget()
    assert (budget.used, 299 < budget.silent_seconds <= 301) == (0, True)


@pytest.mark.parametrize("damage", [each for each in DAMAGES if each is not is_empty], ids=name_of)
def test_pace_when_its_file_is_damaged_sets_it_aside(
    file: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    damage(file)
    was = file.read_bytes()
    Pace(file, 1000, 300.0).close()
    (aside,) = (each for each in file.parent.glob("pace.db.damaged-*") if "-wal" not in each.name)
    assert aside.read_bytes()[100:] == was[100:]
    assert f"{file} was damaged and is now {aside.name}; a new one begins" in caplog.text


@pytest.mark.parametrize("damage", [is_none, is_torn, is_of_another_program, Path.unlink], ids=name_of)
def test_pace_when_its_file_is_spoilt_while_it_is_open_goes_on_in_silence(
    file: Path, damage: Callable[[Path], None]
) -> None:
    with contextlib.closing(Pace(file, 1000, 300.0)) as pace:
        damage(file)
        assert pace.budget().silent_seconds > 299


ELSEWHERE = "or set DAMLINK_STATE_DIR to a folder of your own"


def is_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def has_a_file_as_its_folder(path: Path) -> None:
    path.unlink()
    for each in path.parent.iterdir():
        each.unlink()
    path.parent.rmdir()
    path.parent.touch()


def has_a_lock_that_is_a_folder(path: Path) -> None:
    path.with_suffix(".lock").unlink()
    path.with_suffix(".lock").mkdir()


def points_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("/proc/nowhere/pace.db")


@pytest.mark.parametrize(
    ("obstacle", "cure"),
    [
        (is_a_folder, f"this is a folder: move it away, {ELSEWHERE}"),
        (has_a_file_as_its_folder, f"make it, {ELSEWHERE}"),
        (
            has_a_lock_that_is_a_folder,
            "writable for this user, or set DAMLINK_STATE_DIR to a folder of your own",
        ),
        (points_nowhere, "writable for this user, or set DAMLINK_STATE_DIR to a folder of your own"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_pace_when_its_file_cannot_be_used_says_where_and_what_to_do(
    file: Path, obstacle: Callable[[Path], None], cure: str
) -> None:
    obstacle(file)
    with pytest.raises(StateError) as caught:
        Pace(file, 1000, 300.0)
    assert str(caught.value).startswith(str(file.parent))
    assert str(caught.value).endswith(cure)


def test_pace_when_its_file_stays_locked_names_the_process(file: Path, child: Callable[..., Any]) -> None:
    process = child("lock_file", file)
    assert process.stdout.readline() == "locked\n"
    expected = f"pace.db: held by process {process.pid} for more than 0 s; end the program"
    with pytest.raises(StateError, match=expected):
        PaceFile(file, lambda _database, _lost: None, busy_seconds=0.3)


@pytest.mark.parametrize("boot", [["another start of the machine"], []], ids=["rebooted", "older version"])
def test_pace_when_noted_on_another_clock_counts_it_as_of_now(file: Path, boot: list[str]) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE permit SET sent = sent + 1e9, answered = answered + 1e9")
        database.execute("DELETE FROM clock")
        database.executemany("INSERT INTO clock VALUES (1, ?)", [(each,) for each in boot])
    with contextlib.closing(Pace(file, 1000, 300.0)) as pace:
        assert (pace.budget().used, pace.budget().silent_seconds) == (10, 0.0)


def test_pace_when_the_machine_was_restarted_in_a_silence_is_silent_for_a_whole_window(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE gate SET silent_until = 1e9")
        database.execute("UPDATE clock SET boot = 'another'")
    with contextlib.closing(Pace(file, 1000, 300.0)) as pace:
        assert 299 < pace.budget().silent_seconds <= 301


def test_permit_when_its_end_cannot_be_noted_keeps_the_answer(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(Pace(file, 1000, 300.0)) as pace, pace.permit() as held:
        file.unlink()
        file.mkdir()
    assert held < 10
    assert "the pace counts a request for longer than it should" in caplog.text
