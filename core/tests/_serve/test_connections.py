"""Connections that say little, slowly or nothing: none of them, and not all together, stops the server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import httpx
import pytest
import uvicorn
from canaries import CANARY, KEY
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from damlink._config.edit import document
from damlink._config.load import loads
from damlink._run.session import Session
from damlink._serve.address import event_path, event_token
from damlink._serve.bodies import Bodies, BodyReader
from damlink._serve.connections import LARGEST_HEAD_BYTES, BoundedProtocol

DESCRIPTORS: Final = 256
WAITED_SECONDS: Final = 12.0  # shorter than the deadline of a head: only making room can help
HALF_BODY: Final = b"POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"
UNFINISHED: Final = {
    "silent": b"",
    "half a head": b"POST / HTTP/1.1\r\nHost: a\r\nX-A: ",
    "half a body": HALF_BODY,
    "half a body elsewhere": HALF_BODY.replace(b"{}", b"/nowhere"),
    "half a chunk": b"POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{",
    "an answer is due": b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /",
    "no answer is read": b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 1000,
}


# --- one connection --------------------------------------------------------------------------------


class Hasty(BoundedProtocol):
    """Deadlines as short as a test."""

    deadline_seconds = dict.fromkeys(BoundedProtocol.deadline_seconds, 0.2)


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer once the body is there, except at `/early`."""
    request = Request(scope, receive)
    if scope["path"] != "/early":
        await request.body()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def hasty() -> Iterator[tuple[str, int]]:
    """The address of a server that waits for nobody."""
    limit = LARGEST_HEAD_BYTES
    config = uvicorn.Config(
        _app, http=Hasty, h11_max_incomplete_event_size=limit, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([bound])))
        thread.start()
        yield bound.getsockname()
        server.should_exit = True
        thread.join()


def _drip(connection: socket.socket) -> None:
    """Send a byte now and then until nobody takes it."""
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"a")
            time.sleep(0.02)


def _until_closed(connection: socket.socket) -> bytes:
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(4096):
            said += piece
    return said


BEGINNINGS: Final = {**UNFINISHED, "half a body after the answer": HALF_BODY.replace(b"{}", b"/early")}


@pytest.mark.parametrize("sent", BEGINNINGS.values(), ids=BEGINNINGS.keys())
def test_connection_when_its_request_stops_half_way_is_closed(hasty: tuple[str, int], sent: bytes) -> None:
    with socket.create_connection(hasty, timeout=60) as connection:
        connection.sendall(sent.replace(b"{}", b"/"))
        _until_closed(connection)


@pytest.mark.parametrize("sent", BEGINNINGS.values(), ids=BEGINNINGS.keys())
def test_connection_when_its_request_drips_is_closed(hasty: tuple[str, int], sent: bytes) -> None:
    with socket.create_connection(hasty, timeout=60) as connection, ThreadPoolExecutor(1) as pool:
        connection.sendall(sent.replace(b"{}", b"/").replace(b"Length: 9", b"Length: 999"))
        dripping = pool.submit(_drip, connection)
        _until_closed(connection)
        dripping.result()


def test_connection_when_idle_between_requests_is_closed(hasty: tuple[str, int]) -> None:
    with socket.create_connection(hasty, timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert _until_closed(connection).startswith(b"HTTP/1.1 200")


def test_head_when_larger_than_any_is_refused(hasty: tuple[str, int]) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * (LARGEST_HEAD_BYTES + 8192)
    with socket.create_connection(hasty, timeout=60) as connection:
        connection.sendall(head)
        assert b"HTTP/1.1 200" not in _until_closed(connection)


# --- many connections ------------------------------------------------------------------------------


@attrs.frozen
class Few:
    """`damlink serve` in a process with few descriptors, its address, and the path of its events."""

    child: subprocess.Popen[str]
    url: str
    path: str


@pytest.fixture(scope="module")
def few_descriptors(tables: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Few]:
    """A server that may open few files."""
    folder = tmp_path_factory.mktemp("few")
    (folder / "damlink.toml").write_text(document(tables))
    environment = {**os.environ, "TOKEN": CANARY, "DAMLINK_KEY": KEY, "DAMLINK_STATE_DIR": str(folder)}
    command = f"ulimit -n {DESCRIPTORS} && exec {sys.executable} -m damlink serve"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAMLINK_KEY", KEY)
        with Session(loads(document(tables), folder / "damlink.toml")) as session:
            path = event_path("brand", event_token(session, "brand"))
    child = subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert child.stderr is not None
    yield Few(child, child.stderr.readline().split()[-1], path)
    child.terminate()
    child.communicate()


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_server_when_more_connections_hang_than_it_has_descriptors_still_answers(
    few_descriptors: Few, sns: Any, sent: bytes
) -> None:
    url, path = few_descriptors.url, few_descriptors.path
    address = urlsplit(url)
    with (
        ExitStack() as hanging,
        httpx.Client(base_url=url, trust_env=False, timeout=WAITED_SECONDS) as client,
    ):
        for _ in range(DESCRIPTORS + 50):
            connection = socket.create_connection((address.hostname, address.port), timeout=WAITED_SECONDS)
            hanging.enter_context(connection)
            with contextlib.suppress(OSError):  # it may have been closed at once
                connection.sendall(sent.replace(b"{}", path.encode()))
        assert client.get("/healthz").status_code == 200
        assert client.post(path, json=sns.envelope()).text == "stored\n"


def descriptors_of(process: subprocess.Popen[str]) -> int:
    return len([*Path(f"/proc/{process.pid}/fd").iterdir()])


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process is Linux's")
def test_server_when_it_has_no_descriptor_left_makes_room_and_recovers(
    few_descriptors: Few, eventually: Any
) -> None:
    url, child = few_descriptors.url, few_descriptors.child
    address = urlsplit(url)
    limits = resource.prlimit(child.pid, resource.RLIMIT_NOFILE)
    with ExitStack() as hanging, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        eventually(lambda: descriptors_of(child) < DESCRIPTORS // 4)
        resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (descriptors_of(child) + 2, limits[1]))
        for _ in range(6):
            hanging.enter_context(socket.create_connection((address.hostname, address.port), timeout=60))
        starved = eventually(lambda: descriptors_of(child))
        assert client.get("/healthz", headers={"Connection": "close"}).status_code == 200
        resource.prlimit(child.pid, resource.RLIMIT_NOFILE, limits)
        assert client.get("/readyz").status_code == 200
    assert starved < DESCRIPTORS // 2


# --- bodies ----------------------------------------------------------------------------------------


def _request(receive: Receive) -> Request:
    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def _sends(*pieces: bytes) -> Receive:
    """A sender that says so much, and then no more."""
    left = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]

    async def receive() -> Any:
        await asyncio.sleep(0)
        return left.pop(0) if left else await asyncio.Future()

    return receive


async def _outcomes(budget: int, *pieces: bytes) -> list[str]:
    """How bodies fare that send so much each and then no more, begun one after the other."""
    bodies = Bodies(most_bytes=budget)
    with ExitStack() as reading:
        readers = [reading.enter_context(BodyReader(bodies)) for _ in pieces]
        pairs = zip(readers, pieces, strict=True)
        tasks = [asyncio.create_task(reader.read(_request(_sends(piece)))) for reader, piece in pairs]
        for _ in range(100):  # turns of the loop, in which each has long come to where it waits
            await asyncio.sleep(0)
        names = [type(task.exception()).__name__ if task.done() else "waits" for task in tasks]
        for task in tasks:
            task.cancel()
    return names


@pytest.mark.parametrize(
    ("budget", "outcomes"),
    [(12, ["waits", "waits", "waits"]), (11, ["TimeoutError", "waits", "waits"]), (3, ["TimeoutError"] * 3)],
    ids=["within", "above", "far above"],
)
def test_bodies_when_the_budget_is_used_up_have_the_oldest_give_way(budget: int, outcomes: list[str]) -> None:
    assert asyncio.run(_outcomes(budget, b"aaaa", b"aaaa", b"aaaa")) == outcomes


def test_buffer_when_filled_in_slices_as_over_tls_holds_every_byte() -> None:
    protocol = BoundedProtocol.__new__(BoundedProtocol)
    protocol._read_buffer = bytearray(8)
    # asyncio does so when several records of TLS have arrived.
    protocol.get_buffer(-1)[3:6] = b"abc"
    assert bytes(protocol._read_buffer) == b"\0\0\0abc\0\0"
