"""What every test of the core stands on: folders of its own, no network but loopback, a small HTTP server."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import hypothesis
import hypothesis.configuration
import pytest

from damlink._http.client import Client, open_client
from damlink._http.retry import no_waiting

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="  # 32 bytes, as `damlink secret key` writes them
CHILDREN = Path(__file__).parent / "children"
DEADLINE_SECONDS = 20.0


def pytest_configure(config: pytest.Config) -> None:
    if cache := getattr(config, "cache", None):  # there is none with `-p no:cacheprovider`
        hypothesis.configuration.set_hypothesis_home_dir(cache.mkdir("hypothesis"))
    shared = [hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("damlink", deadline=None, suppress_health_check=shared)
    hypothesis.settings.load_profile("damlink")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person's own state, config, key and proxies are none of a test's business."""
    monkeypatch.setenv("DAMLINK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("DAMLINK_KEY", KEY)
    monkeypatch.delenv("DAMLINK_CONFIG", raising=False)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """A connection to anywhere but this machine fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise AssertionError(f"a test reached out to {address}")
        return connect(self, address)

    return guarded


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


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program of `children/` with arguments; whatever still runs at the end is killed."""
    with contextlib.ExitStack() as running:

        def start(name: str, *arguments: object) -> subprocess.Popen[str]:
            command = [sys.executable, str(CHILDREN / f"{name}.py"), *map(str, arguments)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield start


# --- the other side --------------------------------------------------------------------------------


@attrs.frozen
class Asked:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = attrs.field(factory=time.time)


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
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True)
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
        self._listener.shutdown()
        self._listener.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: Server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Listener

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        reply = self.server.owner.answer(Asked(self.command, self.path, headers, body))
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
def hurried() -> Iterator[None]:
    """Requests are repeated at once."""
    with no_waiting():
        yield


@pytest.fixture
def partner(server: Server, hurried: None) -> Iterator[Client]:
    """A client of the partner's, which repeats at once."""
    with open_client(server.url) as client:
        yield client


# --- plugins ---------------------------------------------------------------------------------------


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a distribution with one module and one plugin, in a folder of its own on the path."""
    made = []

    def installed(
        name: str,
        source: str | None = "",
        *,
        distribution: str = "",
        module: str = "",
        requires: str = "damlink",
    ) -> Path:
        distribution, module = distribution or f"damlink-{name}", module or f"damlink_{name}_plugin"
        folder = tmp_path / "site" / distribution
        facts = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        facts.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\nSummary: The {name} plugin.\n"
        (facts / "METADATA").write_text(f"{metadata}Requires-Dist: {requires}\n")
        (facts / "entry_points.txt").write_text(f"[damlink]\n{name} = {module}\n")
        if source is not None:
            (folder / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(folder))
        made.append(module)
        return folder

    yield installed
    for module in made:
        sys.modules.pop(module, None)
