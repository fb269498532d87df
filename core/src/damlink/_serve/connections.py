"""HTTP connections with a deadline for each part of a request, and a limit on their number."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["ACCEPTED_AT_ONCE", "LARGEST_HEAD_BYTES", "BoundedProtocol", "make_room"]

READ_BYTES: Final = 4096  # small, so that one connection cannot occupy the event loop
LARGEST_HEAD_BYTES: Final = 16 * 1024
MOST_CONNECTIONS: Final = 512
DESCRIPTOR_SHARE: Final = 4  # connections use at most a quarter of the file descriptors
# A chunk costs as much time as a kilobyte, however small it is.
MOST_CHUNKS: Final = 4096
# Small: all connections of one batch are accepted before an older one can be closed.
ACCEPTED_AT_ONCE: Final = 16

HEAD: Final = "head"
BODY: Final = "body"
ANSWER: Final = "answer"
CLOSE: Final = "close"
DEADLINE_SECONDS: Final = {HEAD: 15.0, BODY: 20.0, ANSWER: 60.0, CLOSE: 10.0}


def most_connections() -> int:
    """Return the limit of open connections: at most a quarter of the process's file descriptors."""
    try:
        import resource
    except ModuleNotFoundError:  # not on every system
        return MOST_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, soft // DESCRIPTOR_SHARE))


def make_room(connections: Iterable[object], count: int = 1) -> int:
    """Close the connections that have waited longest for their sender, and return how many."""
    waiting = [each for each in connections if isinstance(each, BoundedProtocol) and each.waits_for_sender]
    oldest = sorted(waiting, key=lambda each: each.part_began)[:count]
    for each in oldest:
        each.give_way()
    return len(oldest)


class _BoundedConnection(h11.Connection):
    """h11's connection with a limit on the number of chunks of a body."""

    _chunks = 0

    def next_event(self) -> Any:
        """Return the next event.

        Raises:
            RemoteProtocolError: the request is not valid, or its body has too many chunks.
        """
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = 0
        elif isinstance(event, h11.Data) and event.chunk_start:
            self._chunks += 1
            if self._chunks > MOST_CHUNKS:
                raise h11.RemoteProtocolError("too many chunks")
        return event


class BoundedProtocol(H11Protocol, asyncio.BufferedProtocol):
    """uvicorn's protocol with a deadline for each part of a request, and a limit on connections.

    Beyond the limit, the connection that has waited longest for its sender is closed for the next one. A
    deadline counts from the start of a part, so a sender that drips its request byte by byte is cut off as
    well.
    """

    deadline_seconds = DEADLINE_SECONDS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn = _BoundedConnection(h11.SERVER, LARGEST_HEAD_BYTES)
        self.part_began = 0.0
        self._read_buffer = bytearray(READ_BYTES)
        self._part: tuple[str, object] = ("", None)
        self._gave_way = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the deadline of the first head; close another connection if there are too many."""
        super().connection_made(transport)
        self._restart_deadline()
        if len(self.connections) > most_connections():
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadline."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's name
        """Return the buffer for the next bytes."""
        # A view: over TLS asyncio fills it in slices, and a slice of a bytearray is a copy.
        return memoryview(self._read_buffer)

    def buffer_updated(self, nbytes: int) -> None:
        """Process the bytes in the buffer."""
        self.data_received(bytes(memoryview(self._read_buffer)[:nbytes]))
        if self.conn.their_state is h11.DONE and self.conn.trailing_data[0]:
            self._refuse_pipelining()
        self._restart_deadline()

    def on_response_complete(self) -> None:
        """Start the deadline of the next request."""
        super().on_response_complete()
        self._restart_deadline()

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are not HTTP; only close if a refusal cannot be sent, such as after an answer."""
        if self.cycle is not None:
            # The application must not answer as well: the refusal ends the connection.
            self.cycle.disconnected = True
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.abort()

    @property
    def waits_for_sender(self) -> bool:
        """True if the next step is the sender's: to send its request, or to read its answer."""
        part, _ = self._part
        return not self._gave_way and (part in (HEAD, BODY, CLOSE) or self.flow.write_paused)

    def give_way(self) -> None:
        """Close the connection without a word."""
        self._gave_way = True
        self.transport.abort()

    def _make_room(self) -> None:
        """Close another connection, or this one if all others are being answered."""
        if not make_room(self.connections):
            self.give_way()

    def _refuse_pipelining(self) -> None:
        """Close the connection after the answer that is due; the sender has not waited for it.

        No proxy does that. A sender that does keeps its connection busy, so that it never has to give way.
        """
        self.cycle.keep_alive = False

    def _should_upgrade(self) -> bool:
        """Ignore requests for another protocol; uvicorn would log each of them twice."""
        return False

    def _restart_deadline(self) -> None:
        """Start a new deadline if the next part of a request has begun."""
        part = (self._current_part(), self.cycle)
        if part == self._part:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._part, self.part_began = part, self.loop.time()
        self._timer = self.loop.call_later(self.deadline_seconds[part[0]], self.transport.abort)

    def _current_part(self) -> str:
        if self.transport.is_closing():
            return CLOSE
        states = {h11.IDLE: HEAD, h11.SEND_BODY: BODY}
        return states.get(self.conn.their_state, ANSWER)
