"""HTTP connections with a deadline for each part of a request, and a limit on their number."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["ACCEPTED_AT_ONCE", "LARGEST_HEAD_BYTES", "BoundedProtocol"]

READ_BYTES: Final = 4096  # small, so that one connection cannot occupy the event loop
LARGEST_HEAD_BYTES: Final = 16 * 1024
MOST_CONNECTIONS: Final = 512
DESCRIPTOR_SHARE: Final = 4  # connections use at most a quarter of the file descriptors
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


class BoundedProtocol(H11Protocol, asyncio.BufferedProtocol):
    """uvicorn's protocol with a deadline for each part of a request, and a limit on connections.

    Beyond the limit, the connection with the oldest unfinished request is closed for the next one. A deadline
    counts from the start of a part, so a sender that drips its request byte by byte is cut off as well.
    """

    deadline_seconds = DEADLINE_SECONDS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._read_buffer = bytearray(READ_BYTES)
        self._part: tuple[str, object] = ("", None)
        self._part_began = 0.0
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

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's name
        """Return the buffer for the next bytes."""
        return self._read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Process the bytes in the buffer."""
        self.data_received(bytes(memoryview(self._read_buffer)[:nbytes]))
        self._restart_deadline()

    def on_response_complete(self) -> None:
        """Start the deadline of the next request."""
        super().on_response_complete()
        self._restart_deadline()

    def _restart_deadline(self) -> None:
        """Start a new deadline if the next part of a request has begun."""
        part = (self._current_part(), self.cycle)
        if part == self._part:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._part, self._part_began = part, self.loop.time()
        self._timer = self.loop.call_later(self.deadline_seconds[part[0]], self.transport.abort)

    def _current_part(self) -> str:
        if self.transport.is_closing():
            return CLOSE
        states = {h11.IDLE: HEAD, h11.SEND_BODY: BODY}
        return states.get(self.conn.their_state, ANSWER)

    def _make_room(self) -> None:
        """Close the connection with the oldest unfinished request, or this one if there is none."""
        rivals = [
            each for each in self.connections if isinstance(each, BoundedProtocol) and each._is_unfinished
        ]
        oldest = min(rivals, key=lambda each: each._part_began, default=self)
        oldest.transport.abort()

    @property
    def _is_unfinished(self) -> bool:
        return self._part[0] in (HEAD, BODY) and not self.transport.is_closing()
