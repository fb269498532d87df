"""Bytes of no sender in particular: whatever they are, one answer each, no error in the log, little kept."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Final

import pytest
import uvicorn
from http_bytes import (
    CHUNKED,
    EVENTS,
    NEXT,
    STATUSES,
    Request,
    ambiguous,
    exchange,
    head,
    requests,
    statuses_in,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from damlink._serve.app import make_app
from damlink._serve.connections import LARGEST_HEAD_BYTES, MOST_CHUNKS, READ_BYTES, BoundedProtocol
from damlink._serve.metrics import Metrics
from damlink._serve.receiver import EventReceiver, endpoints_of
from damlink._sns.verify import Certificates
from damlink._state.inbox import Inbox


@pytest.fixture(scope="module")
def app(served: Any) -> ASGIApp:
    """The application, with a receiver of its own."""
    receiver = EventReceiver(endpoints_of(served.session, Certificates()), Inbox(served.session.database))
    return make_app(receiver, Metrics(served.session), lambda: "")


@pytest.fixture
def no_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever is sent, none of it is our error."""
    yield
    assert [each.getMessage() for each in caplog.get_records("call") if each.levelno >= logging.ERROR] == []


@pytest.mark.usefixtures("no_errors")
@given(sent=requests())
@settings(max_examples=300)
def test_bytes_when_they_are_any_get_an_answer_each_and_are_not_kept(
    served: Any, app: ASGIApp, sent: Request
) -> None:
    found = asyncio.run(exchange(app, sent.at(served.path.encode())))
    assert (found.errors, set(found.statuses) - STATUSES) == ([], set())
    assert len(found.statuses) <= b"".join(sent.pieces).count(b"HTTP/") + 1
    assert found.held <= LARGEST_HEAD_BYTES + READ_BYTES


@pytest.mark.usefixtures("no_errors")
@given(sent=ambiguous())
@settings(max_examples=200)
def test_bytes_when_their_end_is_ambiguous_get_one_answer_which_closes(
    served: Any, app: ASGIApp, sent: Request
) -> None:
    found = asyncio.run(exchange(app, sent.at(served.path.encode())))
    assert (found.errors, len(found.statuses), found.closed) == ([], 1, True)
    assert found.statuses[0] >= 400


@pytest.mark.usefixtures("no_errors")
@pytest.mark.parametrize("target", [b"/nowhere", b"/healthz", EVENTS])
@pytest.mark.parametrize("bad", [b"ZZ\r\n", b"1\r\naZ", b"f" * 30], ids=["letters", "no end", "huge"])
@pytest.mark.parametrize("apart", [True, False], ids=["later", "at once"])
def test_chunk_when_broken_around_the_answer_closes_without_an_error(
    served: Any, app: ASGIApp, target: bytes, bad: bytes, apart: bool
) -> None:
    begin = head(b"POST", target.replace(EVENTS, served.path.encode()), b"HTTP/1.1", [b"Host: a", CHUNKED])
    pieces = [begin + b"1\r\na\r\n", bad + b"\r\n"] if apart else [begin + bad + b"\r\n"]
    found = asyncio.run(exchange(app, pieces))
    assert (found.errors, len(found.statuses), found.closed) == ([], 1, True)


@pytest.mark.parametrize(("count", "status"), [(MOST_CHUNKS, 400), (MOST_CHUNKS + 1, 400)])
@pytest.mark.parametrize("target", [b"/nowhere", EVENTS])
def test_body_when_in_too_many_chunks_is_not_read_to_its_end(
    served: Any, app: ASGIApp, target: bytes, count: int, status: int
) -> None:
    begin = head(b"POST", target.replace(EVENTS, served.path.encode()), b"HTTP/1.1", [b"Host: a", CHUNKED])
    found = asyncio.run(exchange(app, [begin, b"1\r\na\r\n" * count + b"0\r\n\r\n"]))
    assert found.statuses == [404 if target == b"/nowhere" else status]
    assert found.closed is (count > MOST_CHUNKS)


def test_request_when_sent_before_the_last_answer_is_not_answered(app: ASGIApp) -> None:
    found = asyncio.run(exchange(app, [NEXT * 3]))
    assert (found.statuses, found.closed) == ([200], True)


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/9.9", b"HTTP/0.9"])
def test_version_when_unknown_is_refused_and_the_connection_closed(app: ASGIApp, version: bytes) -> None:
    found = asyncio.run(exchange(app, [NEXT.replace(b"HTTP/1.1", version)]))
    assert (found.statuses, found.closed) == ([505], True)


@pytest.mark.parametrize("path", [b"/healthz/", EVENTS + b"/", b"/metrics/"])
def test_address_when_it_ends_with_a_slash_is_not_found(served: Any, app: ASGIApp, path: bytes) -> None:
    found = asyncio.run(
        exchange(app, [head(b"POST", path.replace(EVENTS, served.path.encode()), b"HTTP/1.1", [b"Host: a"])])
    )
    assert (found.statuses, b"location" in found.answer.lower()) == ([404], False)


HEADS: Final = {
    "headers": b"a:b\r\n",
    "short lines": b"a:\n",
    "folded": b" a\r\n",
    "the same": b"Content-Length: 0\r\n",
    "lists": b"Connection: a,b,c\r\n",
    "one long line": b"a",
}


def seconds_to_read(app: ASGIApp, sent: bytes) -> float:
    """The least time of the processor of a few."""
    took = []
    for _ in range(3):
        began = time.process_time()
        asyncio.run(exchange(app, [sent] * 4))
        took.append(time.process_time() - began)
    return min(took)


@pytest.mark.parametrize("unit", HEADS.values(), ids=HEADS.keys())
def test_head_when_larger_takes_time_in_proportion(app: ASGIApp, unit: bytes) -> None:
    whole = b"GET /nowhere HTTP/1.1\r\nHost: a\r\nA: a\r\n" + unit * LARGEST_HEAD_BYTES
    small, large = (seconds_to_read(app, whole[:size] + b"\r\n\r\n") for size in (1000, 16_000))
    assert large < 60 * max(small, 0.002)


# --- over sockets ----------------------------------------------------------------------------------


class Hasty(BoundedProtocol):
    """Deadlines as short as a test."""

    deadline_seconds = dict.fromkeys(BoundedProtocol.deadline_seconds, 0.3)


@pytest.fixture(scope="module")
def hasty(app: ASGIApp) -> Iterator[tuple[str, int]]:
    """The address of a server with the real application that waits for nobody."""
    limit = LARGEST_HEAD_BYTES
    config = uvicorn.Config(
        app, http=Hasty, h11_max_incomplete_event_size=limit, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as bound:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([bound])))
        thread.start()
        yield bound.getsockname()
        server.should_exit = True
        thread.join()


def answers(address: tuple[str, int], sent: Iterable[Sequence[bytes]]) -> list[bytes]:
    """Send each on a connection of its own, all at the same time; read each to its end."""
    with ExitStack() as closing:
        pairs = [
            (closing.enter_context(socket.create_connection(address, timeout=60)), each) for each in sent
        ]
        for pieces in itertools.zip_longest(*(each for _, each in pairs), fillvalue=b""):
            for (connection, _), piece in zip(pairs, pieces, strict=True):
                send(connection, piece)
        return [read_to_end(connection) for connection, _ in pairs]


def send(connection: socket.socket, piece: bytes) -> None:
    try:
        connection.sendall(piece)
    except OSError:
        return  # it was closed


def read_to_end(connection: socket.socket) -> bytes:
    said = b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except ConnectionResetError:
        pass
    return said


@pytest.mark.usefixtures("no_errors")
@given(sent=st.lists(requests() | ambiguous(), min_size=50, max_size=50))
@settings(max_examples=6)
def test_connections_when_bytes_are_any_end_and_leave_the_server_well(
    served: Any, hasty: tuple[str, int], sent: list[Request]
) -> None:
    said = answers(hasty, [each.at(served.path.encode()) for each in sent])
    assert {status for each in said for status in statuses_in(each)} <= STATUSES | {100}
    assert statuses_in(*answers(hasty, [[NEXT]])) == [200]
