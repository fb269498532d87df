"""A damlink.db that is damaged or in the way: one line with path and cure, and nothing is replaced."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from damlink._state.database import Database
from damlink._state.lease import Lease
from damlink.errors import StateError


def is_none(path: Path) -> None:
    path.write_bytes(b"this is no database\n" * 500)


def is_cut(path: Path) -> None:
    os.truncate(path, 5000)


def is_torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 8000)


def is_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def is_behind_a_file(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.touch()


def points_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("/proc/nowhere/damlink.db")


OBSTACLES = [is_none, is_cut, is_torn, is_a_folder, is_behind_a_file, points_nowhere]


@pytest.fixture
def file(prepared_file: Path, tmp_path: Path) -> Path:
    path = tmp_path / "state" / "damlink.db"
    path.parent.mkdir()
    path.write_bytes(prepared_file.read_bytes())
    return path


@pytest.mark.parametrize("create", [True, False], ids=["to write", "to read"])
@pytest.mark.parametrize("obstacle", OBSTACLES, ids=lambda obstacle: obstacle.__name__)
def test_database_when_its_file_cannot_be_used_says_where_and_what_to_do(
    file: Path, obstacle: Callable[[Path], None], create: bool
) -> None:
    obstacle(file)
    with pytest.raises(StateError) as caught:
        Database(f"sqlite:///{file}", file.parent, create=create)
    assert str(caught.value).startswith(f"{file}: ")
    assert "; " in str(caught.value)


@pytest.mark.parametrize("obstacle", [is_none, is_cut, is_torn], ids=lambda obstacle: obstacle.__name__)
def test_database_when_its_file_is_damaged_is_never_replaced(
    file: Path, obstacle: Callable[[Path], None]
) -> None:
    obstacle(file)
    was = file.read_bytes()
    with pytest.raises(StateError, match="if it is damaged, put a backup in its place"):
        Database(f"sqlite:///{file}", file.parent)
    assert file.read_bytes() == was


def is_a_file(folder: Path) -> None:
    folder.touch()


def has_a_folder_for_a_lock(folder: Path) -> None:
    (folder / "stock.lock").mkdir(parents=True)


@pytest.mark.parametrize("obstacle", [is_a_file, has_a_folder_for_a_lock], ids=lambda each: each.__name__)
def test_lease_when_its_lock_cannot_be_made_says_where_and_what_to_do(
    file: Path, obstacle: Callable[[Path], None]
) -> None:
    obstacle(Path(f"{file}.locks"))
    database = Database(f"sqlite:///{file}", file.parent)
    with pytest.raises(StateError, match="stock.lock: cannot be locked: .*; make this folder"):
        Lease(database, "stock").__enter__()
    database.close()


def test_database_when_another_program_has_locked_it_names_that_process(
    file: Path, child: Callable[..., Any]
) -> None:
    database = Database(f"sqlite:///{file}", file.parent)
    holder = child("lock_file", file)
    assert holder.stdout.readline() == "locked\n"
    expected = f"damlink.db: database is locked; process {holder.pid} holds the database: close it"
    with pytest.raises(StateError, match=expected), database.read() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 100")
        connection.exec_driver_sql("DELETE FROM run")
    database.close()
