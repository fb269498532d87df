"""The checkpoint of one asset's transfer: encrypted, and committed before `put` returns."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from damlink._checkpoint import (
    ScopedCheckpoint,
    forget_unclear,
    has_unclear,
    keep_finished_uploads,
    without_uploads,
)
from damlink._model import SourceAsset
from damlink._state.ledger import Ledger
from damlink._state.rows import Row
from damlink._state.sealed import checkpoint_name
from damlink._system.keepable import strict_json

__all__ = ["LedgerCheckpoint"]

# Reserved key: the source asset as it was when the checkpoint was begun.
_SOURCE: Final = "damlink.source"


class LedgerCheckpoint:
    """Checkpoint stored in a column of the ledger.

    Args:
        seal: encrypts the values.
        open_sealed: decrypts them.
    """

    def __init__(
        self,
        ledger: Ledger,
        row: Row,
        seal: Callable[[bytes, Sequence[str]], bytes],
        open_sealed: Callable[[bytes, Sequence[str]], bytes],
    ) -> None:
        self._ledger = ledger
        self._row = row
        self._name = checkpoint_name(row.connector, row.source_id, row.carrying)
        self._seal = seal
        self._lock = threading.Lock()
        # What the present push has uploaded, by scope; see `_upload.scope`.
        self.uploads: dict[tuple[str, ...], Any] = {}
        self._values: dict[str, Any] = (
            json.loads(open_sealed(row.checkpoint, self._name)) if row.checkpoint else {}
        )
        begun = self._values.pop(_SOURCE, None)
        self._source = SourceAsset(row.source_id, row.carrying, **begun) if begun else row.source

    @property
    def source_id(self) -> str:
        """The id of the source asset being transferred."""
        return self._row.source_id

    @property
    def source(self) -> SourceAsset:
        """The source asset as it was listed when the transfer began.

        A change listed since has another fingerprint and another record: it is carried afterwards.
        """
        return self._source

    @property
    def is_unclear(self) -> bool:
        """True if a save was sent and its result is unknown: only with the result may the row be finished."""
        return has_unclear(self._values)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value stored under a name, or `default`."""
        return self._values.get(name, default)

    def names(self) -> tuple[str, ...]:
        """Return the names that have a value."""
        return tuple(self._values)

    def put(self, **values: Any) -> None:
        """Store values; durable when this returns. `None` deletes a name.

        Raises:
            NotKeepableError: a value is not JSON.
        """
        values = strict_json(values, "checkpoint", str)
        with self._lock:
            self._keep(
                {name: value for name, value in {**self._values, **values}.items() if value is not None}
            )

    def scope(self, name: str) -> ScopedCheckpoint:
        """Return a part of the checkpoint with names of its own."""
        return ScopedCheckpoint(self, name)

    def forget_effect(self) -> None:
        """Delete the uploads whose save is unclear, and nothing else.

        If there is none, the unclear effect is the plugin's own: delete everything but finished uploads.
        """
        forget = forget_unclear if self.is_unclear else keep_finished_uploads
        with self._lock:
            self._keep(forget(self._values))

    def forget_uploads(self) -> None:
        """Delete every upload, finished or not: they went to another portal."""
        with self._lock:
            self._keep(without_uploads(self._values))

    def _keep(self, values: dict[str, Any]) -> None:
        """Store the values with the source asset that they belong to; an empty checkpoint stores neither."""
        begun = {"title": self._source.title, "raw": dict(self._source.raw)}
        sealed = self._seal(json.dumps(values | {_SOURCE: begun}).encode(), self._name) if values else None
        self._ledger.checkpoint(self._row, sealed)
        self._values = values
