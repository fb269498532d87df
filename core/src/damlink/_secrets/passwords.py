"""Passwords of people, as scrypt makes them; to compare one costs the same without a user of that name."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import secrets
import threading
from typing import Final

from damlink.errors import ConfigError

__all__ = ["LEAST_CHARACTERS", "hash_password", "matches"]

LEAST_CHARACTERS: Final = 12
MOST_CHARACTERS: Final = 200
# OWASP's "Password Storage Cheat Sheet" asks for at least N = 2^15, r = 8, p = 3 (32 MiB).
_N, _R, _P = 2**15, 8, 3
_MEMORY: Final = 64 * 1024 * 1024
# One at a time: many at once would take memory and time from the rest of the process.
_one: Final = threading.Lock()


def hash_password(password: str) -> str:
    """Return what is stored of a password.

    Raises:
        ConfigError: it is too short or too long.
    """
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        hint = f"take {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters; several words do well"
        raise ConfigError("", f"a password of {len(password)} characters", hint=hint)
    salt = secrets.token_bytes(16)
    return "$".join(("scrypt", *map(str, (_N, _R, _P)), _text(salt), _text(_derive(password, salt))))


def matches(password: str, stored: str | None) -> bool:
    """Return whether a password is the stored one; without one it takes as long."""
    _, n, r, p, salt, key = (stored or _stand_in()).split("$")
    bytes_ = base64.b64decode(salt)
    found = _derive(password[: MOST_CHARACTERS + 1], bytes_, int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(key)) and stored is not None


def _derive(password: str, salt: bytes, n: int = _N, r: int = _R, p: int = _P) -> bytes:
    with _one:
        secret = password.encode("utf-8", "replace")
        return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=32)


@functools.cache
def _stand_in() -> str:
    """Return the hash of a password that is not known."""
    return hash_password(secrets.token_urlsafe(32))


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
