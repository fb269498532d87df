"""Transactions that the database ends for the sake of another are begun again."""

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
    """The database has ended a transaction for the sake of another; nothing of it has been kept."""


def is_conflict(error: sa.exc.DBAPIError) -> bool:
    """Whether the same transaction may well succeed when it is begun again."""
    return getattr(error.orig, "sqlstate", None) in _CONFLICTS


def repeating(function: Callable[P, T]) -> Callable[P, T]:
    """Call a function with one writing transaction again when that has met a conflict.

    Its arguments must be the same each time, so iterators among them are read first.

    Raises:
        StateError: it met one each time.
    """

    @functools.wraps(function)
    def repeated(*given: P.args, **named: P.kwargs) -> T:
        fixed: Any = [tuple(each) if isinstance(each, Iterator) else each for each in given]
        for attempt in range(ATTEMPTS):
            try:
                return function(*fixed, **named)
            except ConflictError as error:
                conflict = error
            wait(random.uniform(0.5, 1.0) * FIRST_PAUSE_SECONDS * 2**attempt)  # noqa: S311 - no secret
        raise StateError(str(conflict.args[0]), hint="run again; nothing is lost") from conflict

    return repeated


def repeat_conflicts(store: C) -> C:
    """Make every method of a class `repeating`, but for generators and context managers.

    A conflict comes out of the method that began the transaction, since within it the driver's own error
    is raised: so exactly that method is called again.
    """
    for name, method in list(vars(store).items()):
        if inspect.isfunction(method) and not inspect.isgeneratorfunction(inspect.unwrap(method)):
            setattr(store, name, repeating(method))
    return store
