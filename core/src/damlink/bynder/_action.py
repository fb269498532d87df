"""Mark of the methods that are actions: the command line and the reference are generated from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from damlink.bynder._lists import accept_single_values

__all__ = ["action", "actions_of"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def action(*names: str) -> Callable[[_Method], _Method]:
    """Mark a method of a resource as an action that is also a command.

    Each of its list arguments then accepts a single value as well.

    Args:
        names: names of Bynder's published connector actions that the method performs; none if there is none.
    """

    def mark(method: _Method) -> _Method:
        marked = accept_single_values(method)
        marked.__dict__["actions"] = (*method.__dict__.get("actions", ()), *names)
        return marked

    return mark


def actions_of(method: Any) -> tuple[str, ...] | None:
    """Return the published actions that a method performs; `None` if it is not marked."""
    marked: tuple[str, ...] | None = getattr(method, "actions", None)
    return marked
