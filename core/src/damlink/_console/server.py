"""The server of the console: one process on loopback, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

import uvicorn

from damlink._console.address import BACKLOG, listen, loopback_names
from damlink._console.app import guard, make_app
from damlink._console.sessions import Sessions
from damlink._run.session import Session
from damlink._serve.connections import LARGEST_HEAD_BYTES, BoundedProtocol

__all__ = ["Console"]


class Console:
    """The console of one config.

    Args:
        on_listening: called with the one-time address as soon as the console listens.
    """

    def __init__(self, session: Session, *, on_listening: Callable[[str], None]) -> None:
        self._session, self._on_listening = session, on_listening
        self.sessions = Sessions()
        self._app = make_app(session, self.sessions)
        self._http: _Http | None = None

    def run(self, host: str, port: int) -> None:
        """Serve the pages until `stop` or a signal.

        Raises:
            ConfigError: the console cannot listen on the address.
            StateError: the database cannot be used.
        """
        # Opened before requests of several threads ask for them.
        _ = self._session.database, self._session.pace
        with contextlib.closing(listen(host, port)) as bound:
            hosts = loopback_names(bound)
            self._http = _Http(_config_of(guard(self._app, self.sessions, hosts)))
            self._on_listening(f"http://{hosts[0]}/enter?link={self.sessions.make_link()}")
            asyncio.run(self._http.serve([bound]))

    def stop(self) -> None:
        """Ask the server to end; from any thread."""
        if self._http is not None:
            self._http.should_exit = True


class _Http(uvicorn.Server):
    """uvicorn's server, which does not raise a signal again that ended it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on a signal."""
        # Python allows only the main thread to set signal handlers; tests run a server in another one.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        earlier = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)


def _config_of(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=BoundedProtocol,
        backlog=BACKLOG,
        h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
        ws="none",
        lifespan="off",
        access_log=False,  # paths hold one-time links
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
