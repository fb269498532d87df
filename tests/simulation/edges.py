"""The edges that a simulation replaces: clocks, SQLite's driver, file locks, process numbers, the network."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from typing import Any, Final

import httpx
import time_machine
from simulation import threads
from simulation.tasks import Process, active, current_process, here

__all__ = ["Network", "end_of_system_resources", "install", "set_network"]

Network = Callable[[httpx.Request, Callable[[], None]], httpx.Response]

# A time-out of the driver's; SQLite itself would sleep where no scheduler sees it.
_DEFAULT_BUSY_SECONDS: Final = 5.0
_BEGIN_NS: Final = 1_900_000_000 * 10**9
_LOCKED: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

_real_connect = sqlite3.connect
_real_flock, _real_close, _real_kill, _real_getpid = fcntl.flock, os.close, os.kill, os.getpid
_network: list[Network] = []
_processes: dict[int, Process] = {}
# Counts what may free a lock: a commit, a rollback, a closed file.
_releases = [0]
_travel: Any = None


def install() -> None:
    """Replace the edges for the rest of this process; nothing of the product may be imported before."""
    threads.install()
    time.sleep = _sleep
    time.monotonic = time.perf_counter = _monotonic
    time.clock_gettime = lambda _clock: _monotonic()
    sqlite3.connect = sqlite3.dbapi2.connect = _connect  # type: ignore[assignment, attr-defined]
    fcntl.flock = _flock  # type: ignore[assignment]
    os.close = _close
    os.kill = _kill
    os.getpid = _getpid


def begin(now: float) -> None:
    """Begin a schedule at a time of the virtual clock."""
    global _travel
    _processes.clear()
    _locked.clear()
    _connections.clear()
    _failing.clear()
    _travel = time_machine.travel(now, tick=False)
    # It asks this at each look at the clock; to move it at each step would cost more.
    _travel.start().time_ns = _time_ns


def end() -> None:
    """End a schedule: the real clock is shown again."""
    _travel.stop()


def set_network(network: Network) -> None:
    """Answer all requests by this function from now on."""
    from damlink._http.network import LEAVING, NetworkTransport, verifier

    def handle(self: Any, request: httpx.Request) -> httpx.Response:
        leaving = request.extensions.get(LEAVING)
        verify = verifier(self._verify, request)

        def last() -> None:
            verify()
            if leaving is not None:
                leaving()

        return network(request, last)

    NetworkTransport.handle_request = handle  # type: ignore[method-assign]


def register(process: Process) -> None:
    """Make a process known by its number."""
    _processes[process.pid] = process


# --- clocks ----------------------------------------------------------------------------------------


def _time_ns() -> int:
    scheduler, task = here.scheduler, here.task
    if scheduler is None or task is None:
        return _BEGIN_NS
    return int((scheduler.now + task.process.clock_offset) * 1e9)


def _sleep(seconds: float) -> None:
    scheduler = active()
    if scheduler is not None:
        scheduler.block("sleep", seconds)


def _monotonic() -> float:
    # The machine's boot clock: the same in all processes, whatever date they see.
    scheduler = here.scheduler
    return 1000.0 if scheduler is None else 1000.0 + scheduler.now - scheduler.began_at


# --- processes -------------------------------------------------------------------------------------


def _getpid() -> int:
    process = current_process()
    return _real_getpid() if process is None else process.pid


def _kill(pid: int, number: int) -> None:
    process = _processes.get(pid)
    if process is None or process.is_crashed or process.is_over:
        raise ProcessLookupError(errno.ESRCH, "no such process")


# --- files -----------------------------------------------------------------------------------------

_locked: dict[int, Process | None] = {}


def _flock(handle: int, operation: int) -> None:
    scheduler, process = active(), current_process()
    if scheduler is None or operation & fcntl.LOCK_UN:
        _real_flock(handle, operation)
        _locked.pop(handle, None)
        _releases[0] += 1
        return
    scheduler.switch("flock")
    while True:
        try:
            _real_flock(handle, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if operation & fcntl.LOCK_NB:
                raise
            seen = _releases[0]
            scheduler.block("flocked", 1.0, lambda seen=seen: _releases[0] != seen)  # type: ignore[misc]
        else:
            _locked[handle] = process
            return


def _close(handle: int) -> None:
    _locked.pop(handle, None)
    _releases[0] += 1
    _real_close(handle)


def end_of_system_resources(process: Process) -> None:
    """Free what the system frees with a process: its transactions and its locks."""
    for connection in [each for each in _connections if each.process is process]:
        connection.end()
    for handle in [handle for handle, owner in _locked.items() if owner is process]:
        _real_flock(handle, fcntl.LOCK_UN)
        del _locked[handle]
    _releases[0] += 1


# --- SQLite ----------------------------------------------------------------------------------------


class Cursor(sqlite3.Cursor):
    """A cursor whose every statement is a switch point."""

    connection: Connection  # type: ignore[assignment]

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        if sql.startswith("PRAGMA busy_timeout"):
            self.connection.busy_seconds = int(sql.rpartition("=")[2]) / 1000
            return self
        self.connection.note(sql)
        self.connection.attempt("sql", super().execute, sql, parameters)
        return self

    def executemany(self, sql: str, parameters: Any) -> Cursor:
        self.connection.note(sql)
        self.connection.attempt("sqls", super().executemany, sql, list(parameters))
        return self


class Connection(sqlite3.Connection):
    """A connection that waits for locks by the virtual clock, and dies with its process."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        # What PostgreSQL has, and a worker asks for.
        self.create_function("clock_timestamp", 0, lambda: "2026-01-01 00:00:00.000000")
        self.process = current_process()
        self.busy_seconds = _DEFAULT_BUSY_SECONDS
        self.writes: set[str] = set()
        _connections.append(self)

    def cursor(self, factory: Any = Cursor) -> Any:
        return super().cursor(factory)

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        # The one in C has a cursor of its own kind.
        return self.cursor().execute(sql, parameters)

    def note(self, sql: str) -> None:
        """Remember which table a transaction writes."""
        if sql[0] in "UID":
            words = sql.split(None, 3)
            self.writes.add(words[1] if words[0] == "UPDATE" else words[2].partition("(")[0])

    def attempt(self, point: str, action: Callable[..., object], *given: Any) -> None:
        """Do something as soon as no other connection holds the lock for it."""
        scheduler = here.scheduler
        if scheduler is None:
            action(*given)
            return
        scheduler.switch(point)
        _fail_if_wanted(self.process)
        end = scheduler.now + self.busy_seconds
        while True:
            try:
                action(*given)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _LOCKED or scheduler.now >= end:
                    raise
                seen = _releases[0]
                left = end - scheduler.now
                scheduler.block("busy", left, lambda seen=seen: _releases[0] != seen)  # type: ignore[misc]
            else:
                return

    def commit(self) -> None:
        if not self.in_transaction:
            return
        self.attempt("commit", super().commit)
        _releases[0] += 1
        written, self.writes = self.writes, set()
        for listener in commit_listeners:
            listener(self.process, written)

    def rollback(self) -> None:
        super().rollback()
        self.writes = set()
        _releases[0] += 1

    def close(self) -> None:
        self.end()

    def end(self) -> None:
        """Close without a switch point; what is not committed is gone."""
        if self in _connections:
            _connections.remove(self)
            super().rollback()
            super().close()
        _releases[0] += 1


def fail_next_statement(process: Process, error: tuple[str, int]) -> None:
    """Let the next statement or commit of a process fail with what SQLite says, and its code."""
    _failing[process] = error


def _fail_if_wanted(process: Process | None) -> None:
    if process in _failing:
        message, code = _failing.pop(process)
        error = sqlite3.OperationalError(message)
        error.sqlite_errorcode = code
        raise error


_failing: dict[Process | None, tuple[str, int]] = {}
_connections: list[Connection] = []
# Called with the process and the tables after each commit.
commit_listeners: list[Callable[[Process | None, set[str]], None]] = []


def _connect(*given: Any, **options: Any) -> sqlite3.Connection:
    timeout = options.pop("timeout", _DEFAULT_BUSY_SECONDS)
    options |= {"factory": Connection, "check_same_thread": False, "timeout": 0}
    connection = _real_connect(*given, **options)
    connection.busy_seconds = timeout
    return connection
