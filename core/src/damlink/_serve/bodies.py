"""Reading of request bodies, with a limit of size and time for each and of memory for all."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

from starlette.requests import Request

from damlink._sns.envelope import LARGEST_BYTES

__all__ = ["Bodies", "BodyReader", "TooLargeError"]

MOST_BYTES: Final = 64 * LARGEST_BYTES
BODY_SECONDS: Final = 15.0  # SNS waits no longer for an answer. Source: sns.md 5


class TooLargeError(Exception):
    """The body is larger than any SNS message."""


class Bodies:
    """Memory budget that all bodies share. If it is exceeded, the oldest unfinished body is cancelled.

    A regular body arrives within milliseconds, so the oldest unfinished one is the most likely attack.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._arriving: dict[BodyReader, None] = {}  # the oldest first
        self._held = 0

    def add(self, reader: BodyReader) -> None:
        """Register a reader whose body is still arriving."""
        self._arriving[reader] = None

    def finish(self, reader: BodyReader) -> None:
        """Mark a body as complete: its bytes still count, but it is no longer cancelled."""
        self._arriving.pop(reader, None)

    def take(self, count: int) -> None:
        """Take bytes from the budget.

        Raises:
            TimeoutError: the budget is exceeded, and no unfinished body is left to cancel.
        """
        self._held += count
        while self._held > self._most_bytes:
            oldest = next(iter(self._arriving), None)
            if oldest is None:
                raise TimeoutError
            self.finish(oldest)
            oldest.cancel()

    def give_back(self, count: int) -> None:
        """Return bytes to the budget."""
        self._held -= count


class BodyReader:
    """Reader of one body; a context manager that holds its bytes until the request has been answered."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies, self._body = bodies, bytearray()
        self._limit: asyncio.Timeout | None = None
        self._is_cancelled = False

    def __enter__(self) -> Self:
        self._bodies.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bodies.finish(self)
        self._release()

    async def read(self, request: Request) -> bytes:
        """Return the whole body; stop reading as soon as it is too large.

        Raises:
            TooLargeError: the body or its announced length is too large.
            TimeoutError: the body did not arrive in time, or was cancelled.
            ClientDisconnect: the sender closed the connection.
        """
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > LARGEST_BYTES:
            raise TooLargeError
        async with asyncio.timeout(BODY_SECONDS) as self._limit:
            async for piece in request.stream():
                self._append(piece)
        self._bodies.finish(self)
        return self._finish()

    def cancel(self) -> None:
        """Stop waiting for the rest of the body, and release its bytes."""
        self._is_cancelled = True
        self._release()
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    def _finish(self) -> bytes:
        if self._is_cancelled:
            raise TimeoutError
        return bytes(self._body)

    def _append(self, piece: bytes) -> None:
        self._body += piece
        self._bodies.take(len(piece))
        if len(self._body) > LARGEST_BYTES:
            raise TooLargeError

    def _release(self) -> None:
        self._bodies.give_back(len(self._body))
        self._body = bytearray()
