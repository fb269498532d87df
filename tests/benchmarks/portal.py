"""A Bynder portal for benchmarks, in a process of its own, as fast as Python can answer.

It keeps no bytes. It prints its address, and serves until its standard input is closed:

    python tests/benchmarks/portal.py [--latency SECONDS] [--assets N] [--certificate FILE --key FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
import time
import urllib.parse
from typing import Any, Final

from portal_answers import Portal, Request, encode

BUFFER_BYTES: Final = 256 * 1024
# A body up to this size is read, of a longer one the beginning.
READ_BYTES: Final = 16 * 1024


class Clock:
    """Moments of the first request and of the last answer."""

    first = 0.0
    last = 0.0


class Connection(asyncio.BufferedProtocol):
    """One connection. Every answer waits for the latency."""

    def __init__(self, portal: Portal, clock: Clock, latency: float) -> None:
        self._portal, self._clock, self._latency = portal, clock, latency
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._head = bytearray()
        self._left = 0
        self._request: Request | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Return the one buffer."""
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        """Read what has arrived: the rest of a body, then the next head."""
        data = self._buffer[:count]
        while data:
            data = self._read_head(data) if self._request is None else self._read_body(self._request, data)
            if self._request is not None and not self._left:
                self._finish(self._request)

    def _read_head(self, data: memoryview) -> memoryview:
        if not self._head:
            self._clock.first = self._clock.first or time.monotonic()
        known = len(self._head)
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return data[:0]
        first, *lines = self._head[:end].decode("latin-1").split("\r\n")
        self._head.clear()
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        path, _, query = target.partition("?")
        length = int(headers.get("content-length", "0"))
        self._left = length
        fields = dict(urllib.parse.parse_qsl(query))
        self._request = Request(method, path, fields, headers, length=length)
        if headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return data[end + 4 - known :]

    def _read_body(self, request: Request, data: memoryview) -> memoryview:
        taken = data[: self._left]
        self._left -= len(taken)
        if len(request.body) < READ_BYTES:
            request.body += taken[:READ_BYTES]
        return data[len(taken) :]

    def _finish(self, request: Request) -> None:
        self._request = None
        status, found = self._portal.answer(request)
        body = encode(found)
        if request.path.startswith("/counts"):
            body = encode({**found, "seconds": self._clock.last - self._clock.first})
        kind = "application/xml" if request.path.startswith("/s3") else "application/json"
        head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        whole = head.encode() + (body if request.method != "HEAD" else b"")
        if self._latency and not request.path.startswith("/counts"):
            asyncio.get_running_loop().call_later(self._latency, self._send, whole)
        else:
            self._send(whole)

    def _send(self, answer: bytes) -> None:
        self._clock.last = time.monotonic()
        if not self._transport.is_closing():
            self._transport.write(answer)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until standard input is closed."""
    context = None
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate, arguments.key)
    scheme = "https" if context else "http"
    portal, clock = Portal(arguments.assets, scheme), Clock()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(portal, clock, arguments.latency), "127.0.0.1", 0, ssl=context, backlog=256
    )
    host, port = server.sockets[0].getsockname()[:2]
    print(f"{scheme}://{host}:{port}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--assets", type=int, default=0)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
