"""The metaproperties of a portal, kept in mind: found by name, label or id."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from damlink._system.suggest import suggest
from damlink.bynder.records.metaproperties import Metaproperty, Option
from damlink.errors import BynderError

__all__ = ["Catalogue"]

FRESH_SECONDS: Final = 60.0  # what is missing is not asked for again within them

T = TypeVar("T")


class Catalogue:
    """Metaproperties with their options, read when they are first needed; for any number of threads.

    Args:
        read: reads all of them from the portal.

    Attributes:
        lock: held while they are read; whoever holds it keeps others from reading.
    """

    def __init__(self, read: Callable[[], Sequence[Metaproperty]]) -> None:
        self.lock = threading.RLock()
        self._read = read
        self._known: Sequence[Metaproperty] | None = None
        self._read_at = 0.0

    def find(self, *names: str) -> Metaproperty | None:
        """The one with such a database name, else id, else label."""
        return self._look(lambda known: _named(known, *names))

    def get(self, name: str) -> Metaproperty:
        """The one with this database name, id or label.

        Raises:
            BynderError: there is none.
        """
        found = self.find(name)
        if found is None:
            hint = suggest(name, (each.name for each in self._all()))
            raise BynderError(f"the portal has no metaproperty {name!r}", hint=hint)
        return found

    def option(self, name: str, wanted: str) -> Option | None:
        """An option of the metaproperty of this name, by its own name, id or label."""

        def find(known: Sequence[Metaproperty]) -> Option | None:
            metaproperty = _named(known, name)
            return metaproperty.option(wanted) if metaproperty else None

        return self._look(find)

    def forget(self) -> None:
        """Read everything anew when it is next needed."""
        with self.lock:
            self._known = None

    def _all(self) -> Sequence[Metaproperty]:
        with self.lock:
            if self._known is None:
                self._known = self._read()
                self._read_at = time.monotonic()
            return self._known

    def _look(self, find: Callable[[Sequence[Metaproperty]], T | None]) -> T | None:
        """Find something; what is missing may be new, so that it is looked for again after a while."""
        with self.lock:
            found = find(self._all())
            if found is None and time.monotonic() - self._read_at > FRESH_SECONDS:
                self.forget()
                found = find(self._all())
            return found


def _named(known: Sequence[Metaproperty], *names: str) -> Metaproperty | None:
    for key in ("name", "id", "label"):
        for each in known:
            if getattr(each, key) in names:
                return each
    return None
