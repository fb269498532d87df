from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from damlink._http.fetch import fetch
from damlink.errors import TransientError


@pytest.fixture
def dripping() -> Iterator[str]:
    """The address of a host that begins an answer and never comes to its end."""
    stopped = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
            while not stopped.wait(0.02):
                connection.sendall(b"x")

    def serve(listener: socket.socket) -> None:
        try:
            drip(listener)
        except OSError:  # the client has gone
            stopped.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        stopped.set()
        thread.join(60)


def test_fetch_when_the_answer_drips_in_gives_up_in_time(dripping: str) -> None:
    began = time.monotonic()
    with pytest.raises(TransientError, match="127.0.0.1 is too slow"):
        fetch(dripping, most_bytes=16_384, seconds=1.0)
    assert time.monotonic() - began < 60
