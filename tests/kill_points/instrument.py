"""Points of a child process at which a kill could do harm; found by instrumentation, not by a list.

A point is before or after one of these: a request that leaves, a commit (of the database, and of the rate
limiter's file), a file that is renamed into place, an answer to an incoming event. Each is named by what it
does, and by its number among those that do the same; so it is the same in each run, whatever threads meet.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

__all__ = ["KILL", "install"]

# The environment variable that names the trace, the services by address, and the point to be killed at.
KILL: Final = "DAMLINK_TEST_KILL"
_ID: Final = re.compile(r"(?<=/)(?=[^/]*\d)[^/]{6,}(?=/|$)")
_WRITE: Final = re.compile(
    r"\s*(?:WITH .*?\b)?(INSERT|UPDATE|DELETE|CREATE|ALTER)\s+(?:OR \w+ )?(?:INTO |FROM |TABLE |)"
    r"(?:IF NOT EXISTS )?\"?(\w+)",
    re.IGNORECASE | re.DOTALL,
)


class _Points:
    """Counts the points of this process, writes them down, and kills it at one of them."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.services: dict[str, str] = spec["services"]
        self._victim = tuple(spec.get("point", ()))
        self._trace = os.open(spec["trace"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def pass_by(self, phase: str, *labels: str) -> None:
        """Count a point of each label; end here and now if it is the one."""
        with self._lock:
            for label in labels:
                self._seen[phase, label] += 1
                point = (phase, label, self._seen[phase, label])
                is_it = point == self._victim
                os.write(self._trace, (json.dumps([*point, "killed"] if is_it else point) + "\n").encode())
                if is_it:
                    os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.contextmanager
    def around(self, *labels: str) -> Iterator[None]:
        """Count the points before and after an effect."""
        self.pass_by("before", *labels)
        yield
        self.pass_by("after", *labels)


def install() -> None:
    """Instrument this process, if it was asked to be."""
    if spec := os.environ.get(KILL):
        points = _Points(json.loads(spec))
        for instrument in (_requests, _commits, _pace_commits, _renamings, _answers):
            instrument(points)


def _requests(points: _Points) -> None:
    import httpx

    send = httpx.HTTPTransport.handle_request

    def handle_request(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        service = points.services.get(f"{request.url.scheme}://{request.url.netloc.decode()}", "elsewhere")
        with points.around(f"{request.method} {service} {_ID.sub('{}', request.url.path)}"):
            return send(self, request)

    httpx.HTTPTransport.handle_request = handle_request  # type: ignore[method-assign]


def _commits(points: _Points) -> None:
    """Name each commit by the writes that it holds: writes of threads that meet share one."""
    import sqlalchemy as sa
    from sqlalchemy.engine.default import DefaultDialect

    writes: dict[int, list[list[str]]] = {}

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def note(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        held = writes.setdefault(id(connection.connection.dbapi_connection), [[]])
        if statement.startswith("SAVEPOINT"):
            held.append([])
        elif statement.startswith("ROLLBACK TO"):
            held.pop()
        elif found := _WRITE.match(statement):
            held[-1].append(f"{found[1].lower()} {found[2]}")

    commit, rollback = DefaultDialect.do_commit, DefaultDialect.do_rollback

    def do_commit(self: Any, connection: Any) -> None:
        held = writes.pop(id(connection.dbapi_connection), [])
        with points.around(*("commit: " + _short(write) for write in held if write)):
            commit(self, connection)

    def do_rollback(self: Any, connection: Any) -> None:
        writes.pop(id(connection.dbapi_connection), None)
        rollback(self, connection)

    DefaultDialect.do_commit, DefaultDialect.do_rollback = do_commit, do_rollback  # type: ignore[method-assign]


def _short(write: list[str]) -> str:
    return "create the tables" if "create ledger" in write else ", ".join(dict.fromkeys(write))


def _pace_commits(points: _Points) -> None:
    class Connection(sqlite3.Connection):
        def execute(self, statement: str, *given: Any) -> sqlite3.Cursor:
            if statement != "COMMIT":
                return super().execute(statement, *given)
            with points.around("commit: pace"):
                return super().execute(statement, *given)

    connect = sqlite3.connect
    sqlite3.connect = lambda *given, **named: connect(*given, factory=Connection, **named)


def _renamings(points: _Points) -> None:
    for name in ("link", "replace", "rename"):
        _around_renaming(points, name, getattr(os, name))


def _around_renaming(points: _Points, name: str, rename: Any) -> None:
    def renamed(source: Any, target: Any, **given: Any) -> None:
        with points.around(f"{name}: {Path(target).name}"):
            rename(source, target, **given)

    setattr(os, name, renamed)


def _answers(points: _Points) -> None:
    """An answer to an incoming request is an effect as well: the other side sends nothing again."""
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

    send = RequestResponseCycle.send

    async def send_on(self: Any, message: Any) -> None:
        label = f"answer: {self.scope['method']}"
        if message["type"] == "http.response.start":
            points.pass_by("before", label)
        await send(self, message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            points.pass_by("after", label)

    RequestResponseCycle.send = send_on  # type: ignore[method-assign]
