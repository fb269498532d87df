"""Whether there is a person to ask."""

from __future__ import annotations

import sys

__all__ = ["is_terminal"]


def is_terminal() -> bool:
    """Return whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
