"""A body that is read from a source: its failure is not the answer of the one that it goes to."""

from __future__ import annotations

import collections
import io
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from damlink._http.body import guard_body, unwrap_failures
from damlink._http.client import Client
from damlink._http.retry import Account
from damlink._system.waiting import verify_nothing
from damlink.errors import (
    AuthError,
    BynderError,
    ConnectorError,
    StoppedError,
    TransientError,
    UnavailableError,
    UnclearError,
)

ERRORS = [
    TransientError("of the source", status=503),
    UnavailableError("of the source", status=403),
    AuthError("of the source", status=401),
    BynderError("of the source", status=404),
    UnclearError("of the source"),
]


class Source(io.BytesIO):
    """A file that cannot be read to its end."""

    def __init__(self, error: ConnectorError) -> None:
        super().__init__(bytes(200_000))
        self.error = error
        self.opened = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.opened += self.tell() == 0
        if self.tell() > 100_000:
            raise self.error
        return super().read(size)


@pytest.mark.parametrize("idempotent", [True, False], ids=["repeatable", "once"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_post_when_its_source_fails_raises_that_and_repeats_nothing(
    partner: Client, server: Any, error: ConnectorError, idempotent: bool
) -> None:
    source = Source(error)
    with pytest.raises(type(error)) as failure:
        partner.post("/", files={"file": ("beach.jpg", source)}, idempotent=idempotent)
    assert failure.value is error
    assert source.opened == 1


def endless() -> Iterator[bytes]:
    return itertools.repeat(bytes(20_000))


def stop() -> None:
    raise StoppedError("stopped")


def test_guard_body_when_the_run_stops_ends_a_body_that_may_be_sent_again() -> None:
    request = httpx.Request("PUT", "http://127.0.0.1/", content=endless())
    guard_body(request, Account(), stop)
    with pytest.raises(StoppedError), unwrap_failures():
        collections.deque(request.stream, maxlen=0)


def test_guard_body_when_pieces_are_small_joins_them() -> None:
    given = [b"a", b"b", bytes(20_000), b"c", bytes(9_000), bytes(9_000), b"d"]
    request = httpx.Request("PUT", "http://127.0.0.1/", content=iter(given))
    guard_body(request, Account(), verify_nothing)
    pieces = list(request.stream)
    assert b"".join(pieces) == b"".join(given)
    assert [len(piece) for piece in pieces] == [2, 20_000, 18_001, 1]


def test_guard_body_when_it_is_sent_takes_none_of_the_time_for_attempts() -> None:
    account = Account()
    request = httpx.Request("PUT", "http://127.0.0.1/", content=iter([bytes(20_000)]))
    guard_body(request, account, verify_nothing)
    list(request.stream)
    assert account.held_seconds > 0
