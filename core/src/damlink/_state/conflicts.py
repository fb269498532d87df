"""Repetition of transactions that the database has rolled back because of a conflict."""

from __future__ import annotations

import functools
import inspect
import random
from collections.abc import Callable, Iterator
from typing import Any, Final, ParamSpec, TypeVar

import sqlalchemy as sa

from damlink._system.waiting import wait
from damlink.errors import StateError

__all__ = ["ConflictError", "is_conflict", "repeat_conflicts", "repeating"]

ATTEMPTS: Final = 8
FIRST_PAUSE_SECONDS: Final = 0.02
# PostgreSQL's codes of a deadlock and of a serialization failure.
_CONFLICTS: Final = ("40P01", "40001")

C = TypeVar("C", bound=type)
P = ParamSpec("P")
T = TypeVar("T")


class ConflictError(StateError):
    """The database has rolled back a transaction because of a conflict with another one."""


def is_conflict(error: sa.exc.DBAPIError) -> bool:
    """Return whether the same transaction may succeed when it is repeated."""
    return getattr(error.orig, "sqlstate", None) in _CONFLICTS


def repeating(function: Callable[P, T]) -> Callable[P, T]:
    """Repeat a function with one writing transaction when the transaction meets a conflict.

    Iterators among its arguments are read first: each repetition needs the same arguments.

    Raises:
        StateError: each repetition met a conflict.
    """

    @functools.wraps(function)
    def call(*given: P.args, **named: P.kwargs) -> T:
        fixed: Any = [tuple(each) if isinstance(each, Iterator) else each for each in given]
        for attempt in range(ATTEMPTS):
            try:
                return function(*fixed, **named)
            except ConflictError as error:
                conflict = error
            wait(random.uniform(0.5, 1.0) * FIRST_PAUSE_SECONDS * 2**attempt)  # noqa: S311 - no secret
        raise StateError(str(conflict.args[0]), hint="run again; nothing is lost") from conflict

    return call


def repeat_conflicts(store: C) -> C:
    """Make every method of a class `repeating`, except generators and context managers.

    Within a transaction the driver's own error is raised. `ConflictError` appears only outside of it, in the
    method that began the transaction: exactly that method is repeated.
    """
    for name, method in list(vars(store).items()):
        if inspect.isfunction(method) and not inspect.isgeneratorfunction(inspect.unwrap(method)):
            setattr(store, name, repeating(method))
    return store
