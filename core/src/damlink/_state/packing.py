"""Compression of the source's own records: they are most of a ledger, and are seldom read.

They are compressed when they are listed. Later it would save nothing in a database file: SQLite does not move
rows together that become smaller.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

__all__ = ["pack", "unpack"]

# Characters. Of a shorter text hardly anything is saved.
LEAST_TEXT: Final = 256
# The fastest one: the best one saves 3 % more of a typical record.
LEVEL: Final = 1


def pack(text: str) -> tuple[str, bytes | None]:
    """Return a record for the columns `raw` and `raw_packed`: one of them holds it."""
    if len(text) < LEAST_TEXT:
        return text, None
    packed = zlib.compress(text.encode(), LEVEL)
    return ("", packed) if len(packed) < len(text) else (text, None)


def unpack(record: Any) -> str:
    """Return the record of a row of the ledger as JSON text."""
    packed: bytes | None = record.raw_packed
    return str(record.raw) if packed is None else zlib.decompress(packed).decode()
