"""A body that is read from a source: its failure is not the answer of the one that it goes to."""

from __future__ import annotations

import io
from typing import Any

import pytest

from damlink._http.client import Client
from damlink.errors import (
    AuthError,
    BynderError,
    ConnectorError,
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
