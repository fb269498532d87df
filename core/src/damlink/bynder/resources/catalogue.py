"""Cache of a portal's metaproperties, with lookup by name, label or id."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from damlink._system.suggest import suggest
from damlink.bynder.records.metaproperties import Metaproperty, Option
from damlink.errors import BynderError

__all__ = ["Catalogue"]

# A metaproperty that is missing is not requested again within this time.
FRESH_SECONDS: Final = 60.0

T = TypeVar("T")


class Catalogue:
    """Thread-safe cache of metaproperties with their options, filled on first use.

    Args:
        read: reads all metaproperties from the portal.

    Attributes:
        lock: held during a read; other threads wait for it before they read.
    """

    def __init__(self, read: Callable[[], Sequence[Metaproperty]]) -> None:
        self.lock = threading.RLock()
        self._read = read
        self._known: Sequence[Metaproperty] | None = None
        self._read_at = 0.0

    def find(self, *names: str) -> Metaproperty | None:
        """Return the metaproperty with one of these database names, otherwise ids, otherwise labels."""
        return self._look(lambda known: _find_named(known, *names))

    def get(self, name: str) -> Metaproperty:
        """Return the metaproperty with this database name, id or label.

        Raises:
            BynderError: it does not exist.
        """
        found = self.find(name)
        if found is None:
            hint = suggest(name, (each.name for each in self._all()))
            raise BynderError(f"the portal has no metaproperty {name!r}", hint=hint)
        return found

    def option(self, name: str, wanted: str) -> Option | None:
        """Return an option of a metaproperty by its name, id or label."""

        def find(known: Sequence[Metaproperty]) -> Option | None:
            metaproperty = _find_named(known, name)
            return metaproperty.option(wanted) if metaproperty else None

        return self._look(find)

    def forget(self) -> None:
        """Clear the cache, so that the next lookup reads from the portal."""
        with self.lock:
            self._known = None

    def _all(self) -> Sequence[Metaproperty]:
        with self.lock:
            if self._known is None:
                self._known = self._read()
                self._read_at = time.monotonic()
            return self._known

    def _look(self, find: Callable[[Sequence[Metaproperty]], T | None]) -> T | None:
        """Look up an entry; if it is missing and the cache is old, read again, since it may be new."""
        with self.lock:
            found = find(self._all())
            if found is None and time.monotonic() - self._read_at > FRESH_SECONDS:
                self.forget()
                found = find(self._all())
            return found


def _find_named(known: Sequence[Metaproperty], *names: str) -> Metaproperty | None:
    for key in ("name", "id", "label"):
        for each in known:
            if getattr(each, key) in names:
                return each
    return None
