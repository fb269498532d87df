"""The console listens on loopback alone."""

from __future__ import annotations

import pytest

from damlink._console.address import parse_address
from damlink.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("localhost:8081", ("127.0.0.1", 8081)),
        ("[::1]:8081", ("::1", 8081)),
        ("127.1.2.3:1", ("127.1.2.3", 1)),
    ],
)
def test_address_when_on_loopback_is_taken(text: str, parsed: tuple[str, int]) -> None:
    assert parse_address(text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0:1",
        "[::]:1",
        ":1",
        "192.0.2.1:1",
        "example.com:1",
        "127.0.0.1",
        "127.0.0.1:x",
        "127.0.0.1:70000",
        "",
    ],
)
def test_address_when_beyond_loopback_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(ConfigError, match="ssh -L") as refused:
        parse_address(text)
    assert refused.value.exit_code == 3
