"""The server process: HTTP application and background services, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import uvicorn

from damlink._run.session import Session
from damlink._serve.app import make_app
from damlink._serve.connections import ACCEPTED_AT_ONCE, make_room
from damlink._serve.http_server import handle_signals, listen, make_uvicorn_config, url_of
from damlink._serve.intake import EventIntake
from damlink._serve.metrics import Metrics
from damlink._serve.service import BackgroundService
from damlink._state.inbox import Inbox
from damlink.errors import StateError

__all__ = ["Server"]

# Below 30 seconds, after which systemd, Docker and Kubernetes usually kill a process.
END_SECONDS: Final = 25.0
BACKLOG: Final = 512
WARN_SECONDS: Final = 60.0

_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_log = logging.getLogger(__name__)


class Server:
    """The event addresses and the background services of one process.

    Args:
        services: background services, started and stopped with the server.
        on_listening: called with the address as soon as the server listens.
        note: returns a remark for the administrator that does not affect readiness; for `/readyz`.
    """

    def __init__(
        self,
        session: Session,
        services: Sequence[BackgroundService] = (),
        *,
        on_listening: Callable[[str], None] = lambda _url: None,
        note: Callable[[], str] = lambda: "",
    ) -> None:
        metrics = Metrics(session)
        self._inbox = Inbox(session.database)
        self._intake = EventIntake(session, metrics.count)
        self._services: tuple[BackgroundService, ...] = (*services, *self._intake.services)
        self._on_listening, self._settings = on_listening, session.config.serve
        self._place = f"{session.config.path}: serve"
        app = make_app(self._intake.receiver, metrics, self._why_not_ready, note)
        self._http = _Http(make_uvicorn_config(app, backlog=ACCEPTED_AT_ONCE))
        self._stopped_at = math.inf

    def follow(self) -> list[str]:
        """Use the portals of the session's present config; return what cannot be applied."""
        return self._intake.follow()

    def run(self) -> bool:
        """Serve until `stop` or a signal, and return whether everything has ended before the deadline.

        Raises:
            ConfigError: the server cannot listen on the address.
        """
        with contextlib.closing(self._listen()) as bound, self._handle_signals():
            for service in self._services:
                service.start()
            try:
                self._on_listening(url_of(bound))
                asyncio.run(self._http.serve([bound]))
            finally:
                ended = self._end()
        return ended

    def _listen(self) -> socket.socket:
        hint = "set another [serve] port, or end what listens there"
        settings = self._settings
        return listen(settings.host, settings.port, backlog=BACKLOG, place=self._place, hint=hint)

    def stop(self) -> None:
        """Ask the process to end; from any thread."""
        self._stopped_at = min(self._stopped_at, time.monotonic())
        self._http.should_exit = True
        for service in self._services:
            service.stop()

    def _end(self) -> bool:
        self.stop()
        deadline = self._stopped_at + END_SECONDS
        # A list, not a generator: every service is joined, even after one has missed the deadline.
        return all([each.join(max(0.0, deadline - time.monotonic())) for each in self._services])  # noqa: C419

    def _why_not_ready(self) -> str:
        if self._http.should_exit:
            return "it is about to end"
        if not all(service.is_alive for service in self._services):
            return "a part of it has ended"
        try:
            self._inbox.open_count()
        except StateError as error:
            return str(error)
        return ""

    @contextlib.contextmanager
    def _handle_signals(self) -> Iterator[None]:
        """End on the first signal, and interrupt on the second."""
        reading, writing = os.pipe()
        stopping = threading.Thread(target=self._stop_after, args=(reading,), name="signals", daemon=True)
        stopping.start()
        try:
            with handle_signals(functools.partial(self._on_signal, writing)):
                yield
        finally:
            os.close(writing)

    def _on_signal(self, writing: int, _number: int, _frame: Any) -> None:
        """Have another thread stop the services.

        This one may hold any of their locks right now, and would wait for itself.
        """
        if self._http.should_exit:
            raise KeyboardInterrupt
        self._http.should_exit = True
        os.write(writing, b"x")

    def _stop_after(self, reading: int) -> None:
        """Stop when a byte arrives; end when the other end is closed."""
        with open(reading, "rb", buffering=0) as signals:
            if signals.read(1):
                self.stop()


class _Http(uvicorn.Server):
    """uvicorn's server without its signal handlers, which would raise the signal again at the end.

    When the process has no file descriptor left for a connection, others are closed for it; asyncio itself
    tries again a second later.
    """

    _warn_again_at = -math.inf

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Set a long backlog although few connections are accepted at once: asyncio uses one number."""
        asyncio.get_running_loop().set_exception_handler(self._handle_error)
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(BACKLOG)

    def _handle_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _EXHAUSTED:
            loop.default_exception_handler(context)
            return
        make_room(self.server_state.connections, ACCEPTED_AT_ONCE)
        # asyncio reports each connection of a batch.
        if loop.time() >= self._warn_again_at:
            self._warn_again_at = loop.time() + WARN_SECONDS
            hint = "raise the limit of open files (ulimit -n)"
            _log.warning("connections are closed for others: %s; %s", error.strerror, hint)
