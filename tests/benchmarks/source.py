"""A source for benchmarks: files by HTTP with ranges and strong ETags, in a process of its own.

It prints its address, and serves until its standard input is closed:

    python tests/benchmarks/source.py FOLDER [--latency SECONDS] [--certificate FILE --key FILE]
"""

from __future__ import annotations

import argparse
import re
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

PIECE_BYTES: Final = 256 * 1024
RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")


class Files(BaseHTTPRequestHandler):
    """Files of one folder."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder = Path()
    latency = 0.0

    def do_GET(self) -> None:
        """Send a file, or the range of it that is asked for."""
        file = self.folder / Path(self.path).name
        size = file.stat().st_size
        etag = f'"{file.name}-{size}"'
        first, last, status = 0, size - 1, 200
        wanted = RANGE.fullmatch(self.headers.get("Range", ""))
        if (
            wanted
            and self.headers.get("If-Range", etag) == etag
            and self.headers.get("If-Match", etag) == etag
        ):
            first, last, status = int(wanted[1]), min(int(wanted[2] or last), last), 206
        time.sleep(self.latency)
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(last + 1 - first))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", etag)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if self.command == "GET":
            self._send(file, first, last + 1 - first)

    def _send(self, file: Path, offset: int, left: int) -> None:
        with file.open("rb") as opened:
            if not isinstance(self.connection, ssl.SSLSocket):
                self.connection.sendfile(opened, offset, left)
                return
            # The method of a TLS socket sends pieces of 8 KiB.
            opened.seek(offset)
            while piece := opened.read(min(left, PIECE_BYTES)):
                self.connection.sendall(piece)
                left -= len(piece)

    do_HEAD = do_GET  # noqa: N815 - the name is the base class's

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """Server whose threads do the TLS handshakes; a client that hangs up is no error."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_arguments: object) -> None:
        """Ignore a broken connection."""


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    arguments = parser.parse_args()
    Files.folder, Files.latency = arguments.folder, arguments.latency
    server = Server(("127.0.0.1", 0), Files)
    scheme = "http"
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate, arguments.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"{scheme}://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
