"""A stand-in for clamd on loopback: its protocol, and one signature."""

from __future__ import annotations

import socketserver
import struct
from typing import Any, Final

__all__ = ["VIRUS", "Clamd"]

VIRUS: Final = b"a signature of this test"


class _Handler(socketserver.StreamRequestHandler):
    """One command of a connection, as clamd(8) describes it."""

    server: Clamd

    def handle(self) -> None:
        command = self._read_until_zero()
        if command == b"zVERSION":
            self.wfile.write(b"ClamAV 1.4\0")
        elif command == b"zINSTREAM":
            self.wfile.write(self._scan())

    def _read_until_zero(self) -> bytes:
        return b"".join(iter(lambda: self.rfile.read(1), b"\0"))

    def _scan(self) -> bytes:
        file = b""
        while size := struct.unpack("!I", self.rfile.read(4))[0]:
            file += self.rfile.read(size)
            if len(file) > self.server.limit:
                return b"INSTREAM size limit exceeded. ERROR\0"
        self.server.scanned.append(file)
        return b"stream: Test.Signature FOUND\0" if VIRUS in file else self.server.answer


class Clamd(socketserver.ThreadingTCPServer):
    """clamd with one signature.

    Attributes:
        limit: bytes of a file, as `StreamMaxLength` says.
        answer: about a file without the signature.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.limit, self.answer, self.scanned = 10**9, b"stream: OK\0", list[bytes]()

    @property
    def address(self) -> str:
        host, port = self.server_address[:2]
        return f"{host!s}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is what some tests are about."""
