"""Hints that correct a misspelt name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["suggest"]


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word nearest to a misspelt one, or all known words."""
    words = sorted(known)
    near = difflib.get_close_matches(name, words, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(words)}" if words else ""
