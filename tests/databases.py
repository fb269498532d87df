"""Databases for tests: each is set up, holds nothing, and lies in SQLite or in a real PostgreSQL."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from damlink._state import migrations
from damlink._state.database import Database
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database that is set up and holds nothing."""
    folder = tmp_path_factory.mktemp("prepared")
    Database("sqlite:///prepared.db", folder).close()
    return folder / "prepared.db"


@pytest.fixture(scope="session")
def copied(postgres: Callable[[], str]) -> Iterator[Callable[[], str]]:
    """Each call copies a PostgreSQL database that is set up and holds nothing, and gives its address.

    The copy before is dropped: hundreds of them would fill the memory that they lie in.
    """
    template, numbers = sa.make_url(postgres()), itertools.count()
    Database(text(template), Path()).close()
    with psycopg.connect(postgres(), autocommit=True) as admin:

        def copy() -> str:
            number = next(numbers)
            made, before = template.set(database=f"copy_{number}"), f"copy_{number - 1}"
            identifiers = map(sql.Identifier, (str(made.database), str(template.database)))
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            admin.execute(drop.format(sql.Identifier(before)))
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(*identifiers))
            return text(made)

        yield copy


def text(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables."""
    if backend == "postgresql":
        return str(request.getfixturevalue("postgres")())
    return f"sqlite:///{tmp_path / 'damlink.db'}"


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that is set up and holds nothing."""
    if backend == "postgresql":
        return str(request.getfixturevalue("copied")())
    shutil.copy(request.getfixturevalue("prepared_file"), tmp_path / "damlink.db")
    return f"sqlite:///{tmp_path / 'damlink.db'}"


def of_version(url: str, version: str) -> sa.Engine:
    """Make a database as the migrations up to a version make it."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        migrations.upgrade(connection, version)
    return engine


@attrs.define
class Time:
    """A clock that moves when it is told to; call it for the moment."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **lapse: float) -> datetime:
        self.now += timedelta(**lapse)
        return self.now


@pytest.fixture
def time_() -> Time:
    return Time()


@pytest.fixture
def opened(url: str, tmp_path: Path, time_: Time) -> Iterator[Callable[[], Database]]:
    """Open the database once more, as another process would; closed at the end. Its clock is `time_`."""
    with contextlib.ExitStack() as closing:
        yield lambda: closing.enter_context(contextlib.closing(Database(url, tmp_path, now=time_)))


@pytest.fixture
def database(opened: Callable[[], Database]) -> Database:
    return opened()


@pytest.fixture
def together() -> Callable[..., list[Any]]:
    """Call a function from so many threads at the same moment; each is told its number."""

    def call(number: int, function: Callable[[int], Any]) -> list[Any]:
        start = threading.Barrier(number)

        def begin(who: int) -> Any:
            start.wait()
            return function(who)

        with ThreadPoolExecutor(number) as pool:
            return list(pool.map(begin, range(number)))

    return call


@pytest.fixture
def new_run(database: Database) -> Callable[..., Ledger]:
    """The ledger of one more run of a connector; whatever runs before it is fenced off."""

    def begin(connector: str = "stock", **options: Any) -> Ledger:
        with Lease(database, connector) as lease:
            return Ledger(database, connector, lease.epoch, **options)

    return begin


@pytest.fixture
def ledger(new_run: Callable[..., Ledger]) -> Ledger:
    return new_run()
