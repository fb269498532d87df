"""The server of the console: one process on loopback, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import uvicorn

from damlink._console.address import loopback_names
from damlink._console.app import guard, make_app
from damlink._console.jobs import Jobs
from damlink._console.live import Live
from damlink._console.marks import reader_of
from damlink._console.sessions import Sessions
from damlink._run.session import Session
from damlink._serve.connections import ANSWER, DEADLINE_SECONDS, BoundedProtocol
from damlink._serve.http_server import handle_signals, listen, make_uvicorn_config

__all__ = ["Console"]

BACKLOG: Final = 64
# Longer than a stream lives, and than a table of all assets takes.
ANSWER_SECONDS: Final = 900.0


class Console:
    """The console of one config.

    Args:
        on_listening: called with the one-time address as soon as the console listens.
        alone: see `Sessions`.
    """

    def __init__(self, session: Session, *, on_listening: Callable[[str], None], alone: bool = True) -> None:
        self._session, self._on_listening = session, on_listening
        self.sessions = Sessions(session, alone=alone)
        self.jobs = Jobs(session.config.path)
        self._live = Live(reader_of(session, self.jobs))
        self._app = make_app(session, self.sessions, self.jobs, self._live)
        self._http: _Http | None = None

    def run(self, host: str, port: int) -> None:
        """Serve the pages until `stop` or a signal.

        Raises:
            ConfigError: the console cannot listen on the address.
            StateError: the database cannot be used.
        """
        hint = "choose another port with --listen, or end what listens there"
        with contextlib.closing(listen(host, port, backlog=BACKLOG, place="--listen", hint=hint)) as bound:
            names = loopback_names(bound)
            http = self.prepare(dict.fromkeys(names, "http"))
            self._on_listening(f"http://{names[0]}/enter?link={self.sessions.make_link()}")
            self.serve(http, bound)

    def prepare(self, hosts: Mapping[str, str], **tls: str) -> uvicorn.Server:
        """Return the server, which answers to these hosts; see `Guard`."""
        # Opened before requests of several threads ask for them.
        _ = self._session.database, self._session.pace
        app = guard(self._app, self.sessions, hosts)
        self._http = _Http(make_uvicorn_config(app, backlog=BACKLOG, protocol=_Protocol, **tls), self._live)
        return self._http

    def serve(self, http: uvicorn.Server, bound: socket.socket) -> None:
        """Serve the pages on a socket until `stop` or a signal."""
        with contextlib.closing(self.jobs), contextlib.closing(self.sessions):
            asyncio.run(http.serve([bound]))

    def stop(self) -> None:
        """Ask the server to end; from any thread."""
        if self._http is not None:
            self._http.should_exit = True


class _Protocol(BoundedProtocol):
    deadline_seconds = DEADLINE_SECONDS | {ANSWER: ANSWER_SECONDS}


class _Http(uvicorn.Server):
    """uvicorn's server, which does not raise a signal again that ended it, and ends the streams first."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would go on for minutes, and then the rest."""
        self._live.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on a signal."""
        with handle_signals(self.handle_exit):
            yield
