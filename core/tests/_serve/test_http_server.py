"""The socket that both servers listen on."""

from __future__ import annotations

import contextlib
import socket

from damlink._serve.http_server import listen


def test_connection_when_accepted_sends_each_part_of_an_answer_at_once() -> None:
    with (
        contextlib.closing(listen("127.0.0.1", 0, backlog=1, place="", hint="")) as bound,
        socket.create_connection(bound.getsockname()),
        bound.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
