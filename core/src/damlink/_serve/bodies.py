"""Reads the bodies of requests: each within its size and time, all together within a budget of memory."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

from starlette.requests import Request

from damlink._sns import LARGEST_BYTES

__all__ = ["Bodies", "BodyReader", "TooLargeError"]

MOST_BYTES: Final = 64 * LARGEST_BYTES
BODY_SECONDS: Final = 15.0  # the sender waits no longer for an answer. Source: sns.md 5


class TooLargeError(Exception):
    """A body is larger than any message."""


class Bodies:
    """Budget that all bodies share. Where it is used up, the body that has been on its way longest gives way.

    A good body arrives within milliseconds: many unfinished ones hold up nothing, and cost their bytes only.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._arriving: dict[BodyReader, None] = {}  # the oldest first
        self._held = 0

    def add(self, reader: BodyReader) -> None:
        """Count a reader as on its way."""
        self._arriving[reader] = None

    def finish(self, reader: BodyReader) -> None:
        """Count a reader as arrived: its bytes still count, and it no longer gives way."""
        self._arriving.pop(reader, None)

    def take(self, count: int) -> None:
        """Take bytes from the budget.

        Raises:
            TimeoutError: nobody can give way.
        """
        self._held += count
        while self._held > self._most_bytes:
            oldest = next(iter(self._arriving), None)
            if oldest is None:
                raise TimeoutError
            self.finish(oldest)
            oldest.give_way()

    def give_back(self, count: int) -> None:
        """Return bytes to the budget."""
        self._held -= count


class BodyReader:
    """Reads one body; a context manager that holds its bytes until the request has been answered."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies, self._body = bodies, bytearray()
        self._limit: asyncio.Timeout | None = None
        self._gave_way = False

    def __enter__(self) -> Self:
        self._bodies.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bodies.finish(self)
        self._release()

    async def read(self, request: Request) -> bytes:
        """Return the whole body. One that is too large is not read to its end.

        Raises:
            TooLargeError: it is too large, or says so.
            TimeoutError: it did not arrive in time, or had to give way.
            ClientDisconnect: the sender has gone.
        """
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced[:20]) > LARGEST_BYTES:
            raise TooLargeError
        async with asyncio.timeout(BODY_SECONDS) as self._limit:
            async for piece in request.stream():
                self._append(piece)
        self._bodies.finish(self)
        return self._whole()

    def give_way(self) -> None:
        """Stop waiting for the rest of it."""
        self._gave_way = True
        self._release()
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    def _whole(self) -> bytes:
        if self._gave_way:
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
