"""Fixtures of every distribution's tests: a real PostgreSQL, and no secrets of other tests."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from own_log import restored_log
from postgres_server import postgres_server

from damlink._secret import forget_revealed

pytest_plugins = ["canaries", "databases", "scripted_server"]

MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's folder that lies in memory
ROOM_BYTES = 4 << 30
# The fixtures that start one, whatever else a test asks for.
SERVERS = {
    *("bench", "child", "client", "damlink", "large", "outlived", "postgres", "ran", "sandbox"),
    *("server", "shared", "site", "sns", "stranger", "trial", "world"),
}

# Rules of the kit that take seconds of CPU; in `make test` the grade of one plugin tries them.
OF_ACCEPTANCE = {"test_content_constant_memory", "test_transform_parallel"}


def pytest_configure(config: pytest.Config) -> None:
    """Lay the folders of quick tests into memory where there is room: a database syncs each write."""
    is_quick = "not acceptance" in config.option.markexpr
    if is_quick and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts a server, a process or a database server: `make test-fast` leaves it out."""
    for item in items:
        fixtures, case = getattr(item, "fixturenames", ()), getattr(item, "callspec", None)
        on_postgres = case is not None and case.params.get("backend") == "postgresql"
        if on_postgres or not SERVERS.isdisjoint(fixtures):
            item.add_marker(pytest.mark.servers)
        if item.name in OF_ACCEPTANCE:
            item.add_marker(pytest.mark.acceptance)


def pytest_collection_finish() -> None:
    """Keep the thousands of collected tests out of every later garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    """A secret that one test has revealed is an ordinary word in another."""
    yield
    forget_revealed()


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Give the next test the log as it was: a command in this process sends it to its own stderr."""
    with restored_log():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """A server of our own, started once; each call makes an empty database and gives its address."""
    from canaries import assert_no_canary_in_tables  # later than pytest, which rewrites the plugin

    with postgres_server(assert_no_canary_in_tables) as make:
        yield make
