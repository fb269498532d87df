"""The other side for tests: an HTTP server on loopback that answers as scripted, and a way to wait for it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest

DEADLINE_SECONDS = 60.0  # only against hanging; nothing takes so long


@attrs.frozen
class Asked:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = attrs.field(factory=time.time)
    port: int = 0  # of the connection


@attrs.frozen
class Reply:
    """One answer. With `cut` the connection ends after so many bytes of the body, or before the answer
    begins if it is -1; `chunked` announces no length.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    cut: int | None = None
    chunked: bool = False


class Server:
    """An HTTP server on loopback: answers what was scripted, then by `handler`; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.handler: Callable[[Asked], Reply] = lambda _: Reply()
        self._script: deque[Reply] = deque()
        self._listener = _Listener(("127.0.0.1", 0), _Handler)
        self._listener.owner = self
        self._thread = threading.Thread(target=self._listener.accept_all, daemon=True)
        self.host = f"127.0.0.1:{self._listener.server_port}"
        self.url = f"http://{self.host}"

    def then(self, status: int = 200, body: bytes = b"", **options: Any) -> Server:
        """Script one more answer."""
        self._script.append(Reply(status, body, **options))
        return self

    def always(self, status: int = 200, body: bytes = b"", **options: Any) -> Server:
        """Answer so whenever nothing else is scripted."""
        self.handler = lambda _: Reply(status, body, **options)
        return self

    def serve(self, handler: Callable[[Asked], Reply]) -> Server:
        """Answer by a function whenever nothing else is scripted."""
        self.handler = handler
        return self

    def reply(self, *values: Any, **options: Any) -> Reply:
        """An answer for a handler to give."""
        return Reply(*values, **options)

    @property
    def lines(self) -> list[str]:
        """What it was asked, as `METHOD /path`."""
        return [f"{asked.method} {asked.path}" for asked in self.asked]

    def answer(self, asked: Asked) -> Reply:
        """Called for each request, from the thread of its connection."""
        self.asked.append(asked)
        return self._script.popleft() if self._script else self.handler(asked)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._listener.is_stopped:  # a test may have ended it
            self._listener.stop()
            self._thread.join()
            self._listener.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: Server
    is_stopped = False

    def accept_all(self) -> None:
        """Take connections until it is stopped; `serve_forever` would look for the end now and then only."""
        while (connection := self.socket.accept()) and not self.is_stopped:
            self.process_request(*connection)
        connection[0].close()

    def stop(self) -> None:
        """End the loop by a last connection."""
        self.is_stopped = True
        socket.create_connection(self.server_address[:2]).close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Listener

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        port = self.client_address[1]
        reply = self.server.owner.answer(Asked(self.command, self.path, headers, body, port=port))
        with contextlib.suppress(ConnectionError):
            self._send(reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - http.server's names

    def _send(self, reply: Reply) -> None:
        if reply.cut != -1:
            self._send_head(reply)
            body = b"" if self.command == "HEAD" else reply.body[: reply.cut]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body) if reply.chunked and body else body)
            self.wfile.write(b"0\r\n\r\n" if reply.chunked and reply.cut is None else b"")
            self.wfile.flush()
        if reply.cut is not None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send_head(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        if reply.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    """The partner's side."""
    with Server() as running:
        yield running


@pytest.fixture
def stranger() -> Iterator[Server]:
    """Another host."""
    with Server() as running:
        yield running


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Ask until the answer is true; fail when it never is."""

    def ask(question: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.005)
        return answer

    return ask
