"""The notes of one asset's transfer: encrypted, and committed before `put` returns."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from damlink._keepable import strict_json
from damlink._state._ledger import Ledger
from damlink._state._rows import Row

__all__ = ["LedgerCheckpoint"]


class LedgerCheckpoint:
    """The checkpoint that is a column of the ledger.

    Args:
        seal: encrypts what is kept.
        open_sealed: opens it again.
    """

    def __init__(
        self,
        ledger: Ledger,
        row: Row,
        seal: Callable[[bytes], bytes],
        open_sealed: Callable[[bytes], bytes],
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._row = row
        self._seal = seal
        self._now = now
        self._lock = threading.Lock()
        self._values: dict[str, Any] = json.loads(open_sealed(row.checkpoint)) if row.checkpoint else {}

    @property
    def source_id(self) -> str:
        """The source asset whose transfer this is."""
        return self._row.source_id

    def get(self, name: str, default: Any = None) -> Any:
        """The value noted under a name, or `default`."""
        return self._values.get(name, default)

    def names(self) -> tuple[str, ...]:
        """The names that something is noted under."""
        return tuple(self._values)

    def put(self, **values: Any) -> None:
        """Note values; durable when this returns. `None` forgets a name.

        Raises:
            NotKeepableError: a value is not JSON.
        """
        values = strict_json(values, "checkpoint", str)
        with self._lock:
            merged = {name: value for name, value in {**self._values, **values}.items() if value is not None}
            self._ledger.checkpoint(self._row, self._seal(json.dumps(merged).encode()), self._now())
            self._values = merged
