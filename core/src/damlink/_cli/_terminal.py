"""Detection of an interactive terminal."""

from __future__ import annotations

import sys

__all__ = ["is_terminal"]


def is_terminal() -> bool:
    """Return whether the command can ask questions."""
    return sys.stdin.isatty() and sys.stderr.isatty()
