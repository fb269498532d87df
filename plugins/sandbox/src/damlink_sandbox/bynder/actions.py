"""Registry of control actions by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from damlink_sandbox.bynder.portal import Portal

__all__ = ["Actions", "Body"]

Body = Mapping[str, Any]
Action = Callable[[Portal, Body], Any]


class Actions(dict[str, Action]):
    """Actions by the names of their functions."""

    def add(self, action: Action) -> Action:
        """Keep one more; a decorator."""
        self[action.__name__] = action
        return action
