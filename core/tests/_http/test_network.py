from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from damlink._http import network
from damlink._http.client import Client, open_client

AT_ONCE = 4


@pytest.fixture
def client(server: Any) -> Any:
    with open_client(server.url) as opened:
        yield opened


def ports(server: Any) -> set[int]:
    return {asked.port for asked in server.asked}


def test_connection_when_an_answer_is_read_is_used_again(server: Any, client: Client) -> None:
    for _ in range(AT_ONCE):
        client.get("/a")
    assert len(ports(server)) == 1


def test_connection_while_an_answer_is_read_is_not_used_by_another_request(
    server: Any, client: Client
) -> None:
    server.always(200, b"body")
    with client.stream("GET", "/a") as answer:
        client.get("/b")
        answer.read()
    client.get("/c")
    assert (len(server.asked), len(ports(server))) == (3, 2)


def test_connections_when_threads_take_turns_are_no_more_than_the_threads(
    server: Any, client: Client
) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: client.get("/a"), range(20)))
    assert (len(server.asked), len(ports(server)) <= AT_ONCE) == (20, True)


def test_connection_when_it_is_not_used_for_long_is_closed(server: Any, client: Client) -> None:
    client.get("/a")
    kept = client._transport._inner._routes["http", None]  # type: ignore[attr-defined]
    now = time.monotonic()
    assert len(kept._sweep(now + network.KEPT_SECONDS - 5)) == 0
    (old,) = kept._sweep(now + network.KEPT_SECONDS + 5)
    old.close()
    client.get("/b")
    assert len(ports(server)) == 2


def test_connections_when_the_client_is_closed_are_closed(server: Any, client: Client) -> None:
    client.get("/a")
    kept = client._transport._inner._routes["http", None]  # type: ignore[attr-defined]
    client.close()
    assert (kept._all, kept._free) == (set(), {})
