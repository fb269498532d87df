"""Runs the application and what works beside it, until a signal asks it to end. Owns uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import uvicorn

from damlink._config.tables import ServeConfig
from damlink._run.session import Session
from damlink._serve.app import make_app
from damlink._serve.confirmer import Confirmer
from damlink._serve.connections import ACCEPTED_AT_ONCE, LARGEST_HEAD_BYTES, BoundedProtocol
from damlink._serve.metrics import Metrics
from damlink._serve.receiver import Intake, gates_of
from damlink._serve.service import Worker
from damlink._sns import Certificates
from damlink._state.inbox import Inbox
from damlink.errors import ConfigError, StateError

__all__ = ["Server"]

END_SECONDS: Final = 25.0  # for what is under way; whoever stops services waits 30 as a rule
ANSWER_SECONDS: Final = 5  # for requests under way
BACKLOG: Final = 512

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Server:
    """One process: the event addresses, and its workers.

    Args:
        workers: what works beside it; each is woken when an event has been kept.
        on_listening: told the address once there is one.
        note: what a person should know although all is ready; shown by `/readyz`.
    """

    def __init__(
        self,
        session: Session,
        workers: Sequence[Worker] = (),
        *,
        on_listening: Callable[[str], None] = lambda _url: None,
        note: Callable[[], str] = lambda: "",
    ) -> None:
        self._session, self._certificates = session, Certificates()
        gates = gates_of(session, self._certificates)
        self._inbox = Inbox(session.database)
        self._confirmer = Confirmer((gate.subscriptions for gate in gates.values()), now=session.now)
        self._workers: list[Worker] = [*workers, self._confirmer]
        self._woken = tuple(workers)
        confirm = self._confirmer.wake
        self._intake = Intake(
            gates, self._inbox, on_stored=self._wake, on_confirmation=confirm, now=session.now
        )
        self._on_listening, self._settings = on_listening, session.config.serve
        self._place = f"{session.config.path}: serve"
        app = make_app(self._intake, Metrics(session), self._why_not_ready, note)
        self._http = _Http(_uvicorn_config(app))
        self._asked_at = math.inf  # when it was to end

    def follow(self) -> list[str]:
        """Receive for the portals of the session's config, as it is now.

        Returns:
            Nothing: whatever a config may say of portals and topics can be applied.
        """
        gates = gates_of(self._session, self._certificates)
        self._intake.gates = gates
        self._confirmer.follow(gate.subscriptions for gate in gates.values())
        return []

    def run(self) -> bool:
        """Serve until `stop` or a signal; whether everything has ended in the time there is for that.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        with contextlib.closing(_listening(self._settings, self._place)) as bound, self._signals():
            for worker in self._workers:
                worker.start()
            try:
                self._on_listening(_url(bound))
                asyncio.run(self._http.serve([bound]))
            finally:
                ended = self._end()
        return ended

    def stop(self) -> None:
        """Ask it to end; from any thread."""
        self._asked_at = min(self._asked_at, time.monotonic())
        self._http.should_exit = True
        for worker in self._workers:
            worker.stop()

    def _end(self) -> bool:
        self.stop()
        deadline = self._asked_at + END_SECONDS
        return all([worker.join(max(0.0, deadline - time.monotonic())) for worker in self._workers])  # noqa: C419

    def _wake(self) -> None:
        for worker in self._woken:
            worker.wake()

    def _why_not_ready(self) -> str:
        if self._http.should_exit:
            return "it is about to end"
        if not all(worker.is_alive for worker in self._workers):
            return "a part of it has ended"
        try:
            self._inbox.open_count()
        except StateError as error:
            return str(error)
        return ""

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """The first signal asks it to end, the second interrupts it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: Any) -> None:
        if self._http.should_exit:
            raise KeyboardInterrupt
        self.stop()


class _Http(uvicorn.Server):
    """uvicorn that leaves the signals to us: it would raise them again at its end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept few connections at once, though many may wait: asyncio has one number for both."""
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(BACKLOG)


def _uvicorn_config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        backlog=ACCEPTED_AT_ONCE,
        h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
        ws="none",
        lifespan="off",
        access_log=False,  # paths hold tokens
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=ANSWER_SECONDS,
    )


def _listening(settings: ServeConfig, place: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        where = f"{settings.host}, port {settings.port}"
        hint = "set another [serve] port, or end what listens there"
        raise ConfigError(place, f"cannot listen on {where}: {error.strerror}", hint=hint) from error


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
