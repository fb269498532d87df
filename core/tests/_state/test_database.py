from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from canaries import CANARY

from damlink._state.database import Database, UnpreparedError
from damlink._state.values import Values
from damlink.errors import StateError


def keys(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.text("SELECT key FROM value ORDER BY key")).scalars())


def insert(connection: sa.Connection, key: str) -> None:
    connection.execute(sa.text("INSERT INTO value VALUES ('stock', :key, '1')"), {"key": key})


def test_write_when_it_ends_is_committed(database: Database, opened: Callable[[], Database]) -> None:
    with database.write() as connection:
        insert(connection, "a")
    assert keys(opened()) == ["a"]


def test_write_when_it_raises_is_rolled_back(database: Database) -> None:
    with pytest.raises(RuntimeError, match="half way"), database.write() as connection:
        insert(connection, "a")
        raise RuntimeError("half way")
    assert keys(database) == []


def test_write_when_the_database_refuses_is_one_line_with_its_place(database: Database) -> None:
    with pytest.raises(StateError) as caught, database.write() as connection:
        insert(connection, "a")
        insert(connection, "a")
    assert str(caught.value).startswith(f"{database.place}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3
    assert keys(database) == []


def test_write_when_many_threads_do_loses_nothing(database: Database) -> None:
    def add(number: int) -> None:
        with database.write() as connection:
            insert(connection, f"{number:03}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(100)))
    assert keys(database) == [f"{number:03}" for number in range(100)]


def test_database_when_several_open_it_empty_is_made_once(empty_url: str, tmp_path: Path) -> None:
    def opened(_: int) -> int:
        database = Database(empty_url, tmp_path)
        database.close()
        return 1

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(opened, range(6))) == 6


def test_database_when_it_may_not_be_made_says_so(empty_url: str, tmp_path: Path) -> None:
    with pytest.raises(UnpreparedError, match="run a connector first"):
        Database(empty_url, tmp_path, create=False)
    assert list(tmp_path.glob("*.db")) == []


def test_database_when_it_is_there_needs_no_making(database: Database, url: str, tmp_path: Path) -> None:
    Values(database, "stock").put("a", 1)
    again = Database(url, tmp_path, create=False)
    assert Values(again, "stock").get("a") == 1
    again.close()


def test_database_when_its_file_is_relative_is_beside_the_config(tmp_path: Path) -> None:
    database = Database("sqlite:///own.db", tmp_path)
    database.close()
    assert database.file == tmp_path / "own.db"
    assert database.place == str(tmp_path / "own.db")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "nonsense",
            "state.url is not a database address; write sqlite:///FILE or postgresql://USER@HOST/DATABASE",
        ),
        ("mysql://u:s3cret@host/db", "state.url: mysql is not supported; use sqlite or postgresql"),
        ("sqlite://", "state.url: a database in memory would forget every asset; name a file"),
        ("sqlite:///:memory:", "state.url: a database in memory would forget every asset; name a file"),
    ],
)
def test_database_when_the_address_is_wrong_says_what_to_write(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(StateError) as caught:
        Database(url, tmp_path)
    assert str(caught.value) == said


def test_database_when_nobody_answers_hides_the_password(tmp_path: Path) -> None:
    with pytest.raises(StateError) as caught:
        Database("postgresql://me:s3cret@127.0.0.1:1/damlink", tmp_path)
    assert CANARY not in str(caught.value)
    assert str(caught.value).startswith("postgresql+psycopg://me:***@127.0.0.1:1/damlink: connection failed")
    assert str(caught.value).endswith("; check the database and state.url, then run again; nothing is lost")


def test_database_when_its_folder_is_missing_says_what_to_check(tmp_path: Path) -> None:
    with pytest.raises(
        StateError,
        match="; check that the folder exists, that it can be written, and that its disk has room$",
    ):
        Database("sqlite:///missing/own.db", tmp_path)


def test_database_when_its_file_is_something_else_says_so(tmp_path: Path) -> None:
    (tmp_path / "own.db").write_bytes(b"this is a letter to my aunt, not a database" * 50)
    with pytest.raises(StateError, match=r"own.db: file is not a database; check the database"):
        Database("sqlite:///own.db", tmp_path)


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_write_when_the_file_is_gone_is_refused(tmp_path: Path, replaced: bool) -> None:
    database = Database("sqlite:///own.db", tmp_path)
    (tmp_path / "own.db").rename(tmp_path / "moved.db")
    if replaced:
        Database("sqlite:///own.db", tmp_path).close()
    with pytest.raises(StateError, match=r"own.db: the database file is gone; put it back"):
        Values(database, "stock").put("a", 1)
    database.close()


def test_write_when_the_disk_is_full_says_so_and_loses_nothing(tmp_path: Path) -> None:
    database = Database("sqlite:///own.db", tmp_path)
    values = Values(database, "stock")
    values.put("a", 1)
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(StateError, match="; make room on the disk, then run again; nothing is lost$"):
        values.put("b", "x" * 100_000)
    assert (values.get("a"), values.get("b")) == (1, None)
    database.close()


def test_sqlite_when_a_commit_returns_has_it_on_the_disk(tmp_path: Path) -> None:
    database = Database("sqlite:///own.db", tmp_path)
    with database.read() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    database.close()
    assert pragmas == ["wal", 2]  # 2 is FULL


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_database_when_its_file_has_a_second_name_is_refused(url: str, tmp_path: Path) -> None:
    (tmp_path / "second.db").hardlink_to(tmp_path / "damlink.db")
    with pytest.raises(
        StateError, match=r"damlink.db: the database file has 2 names \(hard links\); copy it"
    ):
        Database(url, tmp_path)
