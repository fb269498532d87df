"""PostgreSQL of Debian's packages: one server, or one with a synchronous standby that takes over from it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import psycopg
from ports import free_port

__all__ = ["LEFT_OUT", "Pair", "Server", "find_programs", "start_pair", "start_server"]

LEFT_OUT: Final = "left out: PostgreSQL of the system; apt-get install postgresql"
# PostgreSQL refuses to run as root; Debian's packages make this user.
OWNER: Final = "postgres"
STARTED_SECONDS: Final = 60.0


def find_programs() -> Path | None:
    """Return the folder of the newest server's programs; `None` if there is none."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((each.parent for each in found), key=lambda each: int(each.parent.name), default=None)


@attrs.frozen
class Server:
    """One server: where its data lies, and its port."""

    programs: Path
    data: Path
    port: int

    def call(self, program: str, *arguments: str) -> None:
        """Call a program of PostgreSQL as the owner of the data."""
        as_owner = ["runuser", "-u", OWNER, "--"] if os.geteuid() == 0 else []
        command = [*as_owner, str(self.programs / program), *arguments]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def prepare(self) -> None:
        """Make its data, and start it."""
        self.call("initdb", "-D", str(self.data), "-A", "trust", "-U", OWNER, "--no-sync")
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -k {self.data.parent} -h 127.0.0.1"
        log = str(self.data.parent / f"{self.data.name}.log")
        self.call("pg_ctl", "-D", str(self.data), "-o", options, "-l", log, "-w", "start")

    def address(self, database: str = "postgres") -> str:
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.address(), autocommit=True) as admin:
            for each in statements:
                admin.execute(each)

    def restart(self) -> None:
        """End all sessions, and begin anew with the present settings."""
        self.call("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "restart")

    def kill(self) -> None:
        """Kill it; its processes end by themselves once they notice."""
        number = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(number, signal.SIGKILL)


@attrs.frozen
class Pair:
    """A primary server and its synchronous standby."""

    primary: Server
    standby: Server

    @property
    def address(self) -> str:
        """The address of whichever of the two takes writes, for a driver that tries both."""
        ports = f"{self.primary.port},{self.standby.port}"
        query = f"host=127.0.0.1,127.0.0.1&port={ports}&target_session_attrs=read-write"
        return f"postgresql://{OWNER}@/damlink?{query}"

    def fail_over(self) -> None:
        """Kill the primary, and let the standby take over."""
        self.primary.kill()
        self.standby.call("pg_ctl", "-D", str(self.standby.data), "-w", "promote")


@contextlib.contextmanager
def start_server(programs: Path) -> Iterator[Server]:
    """Start one server, without a standby."""
    with _servers(programs, "alone") as (server,):
        server.prepare()
        yield server


@contextlib.contextmanager
def start_pair(programs: Path) -> Iterator[Pair]:
    """Start both servers with an empty database `damlink`."""
    from loopback import until  # later than pytest, which rewrites a plugin that it imports

    with _servers(programs, "primary", "standby") as (primary, standby):
        primary.prepare()
        primary.execute("ALTER SYSTEM SET fsync = off", "CREATE DATABASE damlink")
        source = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", OWNER]
        standby.call(
            "pg_basebackup", *source, "-D", str(standby.data), "-R", "--checkpoint=fast", "--no-sync"
        )
        standby.start()
        # From here on nothing is committed before the standby has it.
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        until(lambda: _is_synchronous(primary), STARTED_SECONDS)
        yield Pair(primary, standby)


@contextlib.contextmanager
def _servers(programs: Path, *names: str) -> Iterator[list[Server]]:
    folder = Path(tempfile.mkdtemp(prefix="damlink-debian-"))
    if os.geteuid() == 0:
        shutil.chown(folder, OWNER)
    servers = [Server(programs, folder / name, free_port()) for name in names]
    try:
        yield servers
    finally:
        _end(servers)
        shutil.rmtree(folder, ignore_errors=True)


def _is_synchronous(primary: Server) -> bool:
    with psycopg.connect(primary.address(), autocommit=True) as admin:
        states = admin.execute("SELECT sync_state FROM pg_stat_replication").fetchall()
    return states == [("sync",)]


def _end(servers: Sequence[Server]) -> None:
    for each in servers:
        # One was killed, or has never started.
        with contextlib.suppress(OSError, AssertionError):
            each.call("pg_ctl", "-D", str(each.data), "-m", "immediate", "stop")
