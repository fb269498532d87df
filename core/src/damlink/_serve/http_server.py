"""Socket, signals and settings that every HTTP server of ours shares. Owns uvicorn."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

import uvicorn

from damlink._serve.connections import LARGEST_HEAD_BYTES, BoundedProtocol
from damlink.errors import ConfigError

__all__ = ["handle_signals", "listen", "make_uvicorn_config", "url_of"]

ANSWER_SECONDS: Final = 5  # for requests under way at the end
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def listen(host: str, port: int, *, backlog: int, place: str, hint: str) -> socket.socket:
    """Return a socket that listens on the address.

    Args:
        place: where the address stands, for the error.
        hint: the cure of the error.

    Raises:
        ConfigError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        what = f"cannot listen on {host}, port {port}: {error.strerror}"
        raise ConfigError(place, what, hint=hint) from error
    # Connections take it over. Without it a client waits 40 ms for the body behind the head of an answer:
    # asyncio sets it only on sockets that name their protocol.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def url_of(bound: socket.socket) -> str:
    """Return the address of a socket that listens, without a path."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def handle_signals(handle: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Handle SIGINT and SIGTERM meanwhile; in another thread than the main one do nothing."""
    # Python allows only the main thread to set signal handlers; tests run a server in another one.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def make_uvicorn_config(
    app: Any, *, backlog: int, protocol: type[BoundedProtocol] = BoundedProtocol, **tls: Any
) -> uvicorn.Config:
    """Return the settings of a server that bounds what it reads and tells nothing about itself."""
    return uvicorn.Config(
        app,
        http=protocol,
        backlog=backlog,
        h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
        ws="none",
        lifespan="off",
        access_log=False,  # paths hold tokens and one-time links
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=ANSWER_SECONDS,
        **tls,
    )
