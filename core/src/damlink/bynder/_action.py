"""Marks the methods that are actions: what the command line and the reference table are made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from damlink.bynder._lists import accept_single_values

__all__ = ["action", "actions_of"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def action(*names: str) -> Callable[[_Method], _Method]:
    """Mark a method of a resource as an action that a person may call by itself.

    Each of its list arguments then takes a single value, too.

    Args:
        names: of the published connector actions that the method carries out; none where it adds to them.
    """

    def mark(method: _Method) -> _Method:
        marked = accept_single_values(method)
        marked.__dict__["actions"] = (*method.__dict__.get("actions", ()), *names)
        return marked

    return mark


def actions_of(method: Any) -> tuple[str, ...] | None:
    """The actions that a method carries out; `None` if it is not marked as one."""
    marked: tuple[str, ...] | None = getattr(method, "actions", None)
    return marked
