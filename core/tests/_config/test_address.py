from __future__ import annotations

import pytest

from damlink._config.address import address_problem

REFUSED = {
    "plain": "http://partner.example/api",
    "loopback's look-alike": "http://127.0.0.1.evil.example/",
    "localhost's look-alike": "http://localhost.evil.example/",
    "loopback as a user": "http://localhost@evil.example/",
    "with a password": "https://user:pass@partner.example/",
    "another scheme": "ftp://partner.example/",
    "no scheme": "partner.example",
    "no host": "https://",
    "no port": "https://partner.example:port/",
}
ACCEPTED = [
    "https://partner.example/v3",
    "http://localhost:8765/callback",
    "http://127.0.0.1:1/a",
    "http://[::1]/",
]


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED)
def test_address_that_would_show_credentials_is_refused(address: str) -> None:
    assert address_problem(address)


@pytest.mark.parametrize("address", ACCEPTED)
def test_address_that_keeps_credentials_is_accepted(address: str) -> None:
    assert address_problem(address) == ""
