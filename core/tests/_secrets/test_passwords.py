"""Passwords are stored as scrypt makes them."""

from __future__ import annotations

import pytest

from damlink._secrets.passwords import LEAST_CHARACTERS, MOST_CHARACTERS, hash_password, matches
from damlink.errors import ConfigError


def test_password_when_stored_matches_itself_alone() -> None:
    stored = hash_password("correct horse battery")
    assert "horse" not in stored
    assert matches("correct horse battery", stored)
    assert not matches("correct horse batterz", stored)
    assert not matches("correct horse battery", None)


@pytest.mark.parametrize("length", [0, LEAST_CHARACTERS - 1, MOST_CHARACTERS + 1])
def test_password_when_of_a_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(ConfigError, match="12 to 200"):
        hash_password("x" * length)
