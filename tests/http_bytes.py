"""Requests of every kind and of none, and a connection of `damlink serve` that reads them without sockets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import attrs
import h11
import uvicorn
from hypothesis import strategies as st
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from damlink._serve.connections import READ_BYTES, BoundedProtocol

NEXT: Final = b"GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n"
STATUSES: Final = {200, 400, 403, 404, 405, 413, 505}
EVENTS: Final = b"/EVENTS"  # stands for the address of a portal's events
CHUNKED: Final = b"Transfer-Encoding: chunked"
METHODS: Final = (b"POST", b"GET", b"HEAD", b"PUT", b"CONNECT", b"OPTIONS", b"post", b"P\xffST", b"P T", b"")
TARGETS: Final = (
    *(EVENTS, b"/healthz", b"/nowhere", EVENTS + b"/", b"/healthz/", b"*", b"http://a/healthz", b"//a"),
    *(b"/events/%00/%ff", b"/events/brand/%ed%a0%80", b"/healthz?" + b"q" * 99, b"/\xff", b"/a b", b"", b"?"),
)
VERSIONS: Final = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9.9", b"HTTP/1.10", b"http/1.1", b"")
LINES: Final = (
    *(
        b"Host: a",
        b"Host: [::1",
        b"Host:",
        b"Host: a\r\nHost: b",
        b"Connection: close",
        b"Connection: upgrade",
    ),
    *(
        b"Connection: keep-alive",
        b"Upgrade: websocket",
        b"Upgrade: h2c",
        b"Expect: 100-continue",
        b"Expect: x",
    ),
    *(b"Content-Length: 0", b"Content-Length: 2", b"Content-Length: 5", b"Content-Length: 2, 2", CHUNKED),
    *(b"Content-Length: 99999999999999999999", b"Content-Length: \xb2", b"X-Amz-Sns-Rawdelivery: true"),
    *(b"A: " + b"a" * 9000, b"A:\r\n folded", b"A: \xff\xfe", b"A: \x00", b": b", b"no colon", b"A\x00: b"),
)
BODIES: Final = (
    *(
        b"",
        b"{}",
        b"0\r\n\r\n",
        b"2\r\n{}\r\n0\r\n\r\n",
        b"2;x=y\r\n{}\r\n0\r\nA: b\r\n\r\n",
        b"2\n{}\n0\n\n",
    ),
    *(b"ZZ\r\n", b"-1\r\n", b"+2\r\n{}\r\n", b"f" * 21 + b"\r\n", b"0x2\r\n{}\r\n", b"2\r\n{}x\r\n0\r\n\r\n"),
    *(b"1\r\na\r\n" * 900, b"2;" + b"x" * 20_000, b"0\r\n" + b"A: b\r\n" * 4000),
)
# The end of the body can be read in two ways.
AMBIGUOUS: Final = (
    *(b"Content-Length: 5\r\n" + CHUNKED, CHUNKED + b"\r\nContent-Length: 0", CHUNKED + b"\r\n" + CHUNKED),
    *(b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 5, 6", b"Content-Length: +5"),
    *(b"Content-Length: 5 5", b"Content-Length: 0x5", b"Content-Length: 5_0", b"Content-Length: -5"),
    *(b"Content-Length:", b"Content-Length: 5;", b"Content-Length : 5", b"Content-Length\t: 5"),
    *(b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: x"),
    *(b"Transfer-Encoding : chunked", b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding:", b"Host: b"),
)

heads = st.tuples(
    st.sampled_from(METHODS),
    st.sampled_from(TARGETS),
    st.sampled_from(VERSIONS),
    st.lists(st.sampled_from(LINES), max_size=5),
    st.sampled_from([b"\r\n", b"\n"]),
)
bodies = st.sampled_from(BODIES) | st.binary(max_size=60)


@attrs.frozen
class Request:
    """The bytes of a request and of what follows it, in pieces."""

    pieces: Sequence[bytes]

    def at(self, events: bytes) -> Sequence[bytes]:
        """The pieces with the address of a portal's events."""
        return [*cut(b"".join(self.pieces).replace(EVENTS, events), [len(piece) for piece in self.pieces])]


def cut(data: bytes, lengths: Iterable[int]) -> Iterator[bytes]:
    for length in lengths:
        yield data[:length]
        data = data[length:]
    yield data


def head(method: bytes, target: bytes, version: bytes, lines: Iterable[bytes], end: bytes = b"\r\n") -> bytes:
    first = b" ".join([method, target, version])
    return end.join([first, *(line.replace(b"\r\n", end) for line in lines), b"", b""])


@st.composite
def requests(draw: st.DrawFn) -> Request:
    sent = head(*draw(heads)) + draw(bodies) + draw(st.sampled_from([b"", NEXT]))
    return Request([*cut(sent, draw(st.lists(st.integers(1, 5000), max_size=6)))])


@st.composite
def ambiguous(draw: st.DrawFn) -> Request:
    """A request whose end is not clear, and one that may stand in its body."""
    harmless = draw(st.lists(st.sampled_from([b"A: b", b"Connection: keep-alive"]), max_size=2))
    lines = draw(st.permutations([b"Host: a", draw(st.sampled_from(AMBIGUOUS)), *harmless]))
    begin = head(
        draw(st.sampled_from([b"POST", b"GET"])), draw(st.sampled_from(TARGETS[:4])), b"HTTP/1.1", lines
    )
    sent = begin + draw(st.sampled_from([b"0\r\n\r\n", b"{}", b"5\r\nabcde\r\n0\r\n\r\n", b""])) + NEXT
    return Request([*cut(sent, draw(st.lists(st.integers(1, 99), max_size=6)))])


class Wire(asyncio.Transport):
    """What a connection writes to, and how it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.sent, self.closed, self.paused = bytearray(), False, False
        self.protocol: Any = None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name.endswith("name") else default

    def write(self, data: Any) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


@attrs.frozen
class Exchange:
    """What came of a connection."""

    answer: bytes
    closed: bool
    held: int
    errors: list[Any]

    @property
    def statuses(self) -> list[int]:
        return [status for status in statuses_in(self.answer) if status != 100]


def statuses_in(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]


async def exchange(app: ASGIApp, pieces: Iterable[bytes]) -> Exchange:
    """Let a connection read these bytes, answer, and end."""
    config = uvicorn.Config(
        app, http=BoundedProtocol, ws="none", lifespan="off", log_config=None, access_log=False
    )
    config.load()
    errors: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    state, wire = ServerState(), Wire()
    protocol = wire.protocol = BoundedProtocol(config, state, {})
    protocol.connection_made(wire)
    held = 0
    for piece in pieces:
        held = max(held, await read(protocol, wire, piece))
    if protocol.conn.their_state is h11.DONE:
        await asyncio.gather(*state.tasks, return_exceptions=True)
    await some_turns()
    closed = wire.closed
    wire.close()
    await asyncio.gather(*state.tasks, return_exceptions=True)
    await asyncio.sleep(0)
    return Exchange(bytes(wire.sent), closed, held, errors)


async def some_turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def read(protocol: BoundedProtocol, wire: Wire, piece: bytes) -> int:
    """Hand over a piece, as much at once as asyncio would; return how much was kept of it."""
    held = 0
    for first in range(0, len(piece), READ_BYTES):
        await some_turns()
        if wire.closed or wire.paused:
            break
        data = piece[first : first + READ_BYTES]
        protocol.get_buffer(-1)[: len(data)] = data
        protocol.buffer_updated(len(data))
        held = max(held, len(protocol.conn.trailing_data[0]))
    return held
