"""Names of connectors: a short key, derived from the title that a person gives."""

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
# For a title without any ASCII letter.
NAMELESS: Final = "connector"


def is_key(name: str) -> bool:
    """Return whether a name can be the name of a table."""
    return _KEY.fullmatch(name) is not None


def key_of(title: str, taken: Collection[str]) -> str:
    """Return an unused key for a title: the title itself if it is a valid key.

    `EMEA Marketing` becomes `emea-marketing`; the second of that name `emea-marketing-2`.
    """
    if is_key(title):
        return title
    decomposed = unicodedata.normalize("NFKD", title.casefold().translate(_SPELLED_OUT))
    letters = decomposed.encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", letters.replace("'", "")).strip("-") or NAMELESS
    numbered = (f"{slug}-{number}" for number in itertools.count(2))
    return next(key for key in itertools.chain([slug], numbered) if key not in taken)
