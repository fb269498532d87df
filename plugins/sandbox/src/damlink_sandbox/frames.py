"""Answers whose frame is wrong, and connections that end by a reset."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from typing import Final

import attrs

from damlink_sandbox.router import Answer

__all__ = ["another_etag", "another_range", "half_announced", "reset"]

_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(.*)")


def reset(transport: asyncio.Transport) -> None:
    """End a connection by a TCP reset instead of an orderly close."""
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


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
