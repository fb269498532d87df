"""Names of connectors: a short key for the machine, made from whatever a person calls it."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection
from typing import Final

__all__ = ["is_key", "key_of"]

_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SPELLED_OUT: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "þ": "th"}
)
NAMELESS: Final = "connector"  # a title without any letter that ASCII has


def is_key(name: str) -> bool:
    """Return whether a name can be that of a table."""
    return _KEY.fullmatch(name) is not None


def key_of(title: str, taken: Collection[str]) -> str:
    """Return a key for a title that no other table has: the title itself where that will do.

    `EMEA Marketing` becomes `emea-marketing`; the second of that name `emea-marketing-2`.
    """
    if is_key(title):
        return title
    decomposed = unicodedata.normalize("NFKD", title.casefold().translate(_SPELLED_OUT))
    letters = decomposed.encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", letters.replace("'", "")).strip("-") or NAMELESS
    numbered = (f"{slug}-{number}" for number in itertools.count(2))
    return next(key for key in itertools.chain([slug], numbered) if key not in taken)
