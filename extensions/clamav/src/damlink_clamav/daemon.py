"""Client of a ClamAV daemon: one connection for each command.

Source: the manual page clamd(8), section COMMANDS.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Final

import attrs

from damlink.errors import TransientError

__all__ = ["Daemon"]

# An answer is one line with the name of a signature.
_MOST_BYTES: Final = 64 * 1024
_TOO_LARGE: Final = "size limit exceeded"


@attrs.frozen
class Daemon:
    """A clamd.

    Attributes:
        address: the path of its socket, or `host:port`.
        timeout: seconds for each answer.
    """

    address: str
    timeout: float

    def version(self) -> str:
        """Return the version, as clamd says it.

        Raises:
            TransientError: it does not answer.
        """
        return self._ask(b"zVERSION\0")

    def scan(self, pieces: Iterable[bytes], filename: str) -> str:
        """Return the name of what clamd finds in a file, or nothing.

        Raises:
            TransientError: it does not answer, or cannot say.
        """
        answer = self._ask(b"zINSTREAM\0", _blocks(pieces))
        if answer == "stream: OK":
            return ""
        if answer.endswith(" FOUND"):
            return answer.removeprefix("stream: ").removesuffix(" FOUND")
        hint = "raise StreamMaxLength in clamd.conf" if _TOO_LARGE in answer else "read clamd's log"
        raise TransientError(f"clamd cannot scan {filename}: {answer or 'no answer'}", hint=hint)

    def _ask(self, command: bytes, blocks: Iterable[bytes] = ()) -> str:
        try:
            connection = self._connect()
        except (OSError, ValueError) as error:
            raise self._unreachable(error) from error
        with closing(connection):
            refusal = self._send(connection, command)
            # The errors of the source are its own: only a failure to send is clamd's.
            for block in blocks:
                if refusal := refusal or self._send(connection, block):
                    break
            return self._read(connection, refusal)

    def _send(self, connection: socket.socket, block: bytes) -> OSError | None:
        """Send bytes; return the failure, since a clamd that reads no further may have said why."""
        try:
            connection.sendall(block)
        except OSError as error:
            return error
        return None

    def _connect(self) -> socket.socket:
        if "/" in self.address:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.settimeout(self.timeout)
                connection.connect(self.address)
            except OSError:
                connection.close()
                raise
            return connection
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=self.timeout)

    def _read(self, connection: socket.socket, refusal: OSError | None) -> str:
        answer = b""
        try:
            while len(answer) < _MOST_BYTES and (piece := connection.recv(4096)):
                answer += piece
        except OSError as error:
            if not answer:
                raise self._unreachable(refusal or error) from error
        if not answer:
            raise self._unreachable(refusal or ConnectionError("it closed the connection"))
        return answer.rstrip(b"\0\n").decode("utf-8", errors="replace")

    def _unreachable(self, error: Exception) -> TransientError:
        hint = "start clamd, or correct `address`"
        return TransientError(f"clamd at {self.address} does not answer: {error}", hint=hint)


def _blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces, each with its length before it, and the empty one that ends them."""
    for piece in pieces:
        if piece:
            yield struct.pack("!I", len(piece)) + piece
    yield struct.pack("!I", 0)
