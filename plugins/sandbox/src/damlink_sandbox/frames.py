"""Answers whose frame is wrong, and connections that end by a reset."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Iterator
from typing import Final

import attrs

from damlink_sandbox.router import Answer, Message, Send

__all__ = ["Half", "Unfinished", "another_etag", "another_range", "half_announced", "in_one_segment", "reset"]

_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(.*)")


def reset(transport: asyncio.Transport) -> None:
    """End a connection by a TCP reset instead of an orderly close."""
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


@contextlib.contextmanager
def in_one_segment(transport: asyncio.Transport) -> Iterator[None]:
    """Have the system send together what is written in the block, where it can."""
    connection: socket.socket = transport.get_extra_info("socket")
    cork = getattr(socket, "TCP_CORK", None)
    if cork is not None:
        connection.setsockopt(socket.IPPROTO_TCP, cork, 1)
    yield
    if cork is not None:
        connection.setsockopt(socket.IPPROTO_TCP, cork, 0)


def half_announced(own: Answer) -> tuple[Answer, bytes]:
    """Return an answer of the first half of the body, and the bytes that are sent after it."""
    half = len(own.body) // 2
    return attrs.evolve(own, body=own.body[:half]), own.body[half:]


def another_range(own: Answer) -> Answer:
    """Name the bytes that follow those of the answer; also where none were asked for."""
    named = {name.lower(): value for name, value in own.headers.items()}
    found = _RANGE.fullmatch(named.get("content-range", f"bytes 0-{len(own.body)}/*"))
    first, last, size = found.groups() if found else ("0", "0", "*")
    named["content-range"] = f"bytes {int(first) + 1}-{int(last) + 1}/{size}"
    return attrs.evolve(own, headers=named)


def another_etag(own: Answer) -> Answer:
    """Give the answer an ETag that it never had."""
    named = {name.lower(): value for name, value in own.headers.items()}
    return attrs.evolve(own, headers={**named, "etag": '"of-another-version"'})


class Half:
    """A `send` that closes the connection in the middle of the body."""

    def __init__(self, send: Send, transport: asyncio.Transport) -> None:
        self._send, self._transport = send, transport
        self._left: int | None = None

    async def __call__(self, message: Message) -> None:
        """Send the head, and half of the body."""
        if message["type"] == "http.response.start":
            length = dict(message["headers"]).get(b"content-length")
            self._left = None if length is None else int(length) // 2
            await self._send(message)
        else:
            body = message.get("body", b"")
            piece = body[: len(body) // 2 if self._left is None else self._left]
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            self._left = 0 if self._left is None else self._left - len(piece)
        if self._left == 0:
            # Unlike abort(), lets what was written leave.
            self._transport.close()


class Unfinished:
    """A `send` that closes the connection where less has been sent than was announced."""

    def __init__(self, send: Send, transport: asyncio.Transport) -> None:
        self._send, self._transport = send, transport

    async def __call__(self, message: Message) -> None:
        """Send a message, and close after the body."""
        await self._send(message | {"more_body": True})
        if message["type"] == "http.response.body":
            # Unlike abort(), lets what was written leave.
            self._transport.close()
