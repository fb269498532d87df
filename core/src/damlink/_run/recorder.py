"""Batches of a listing on their way into the ledger: one is gathered while the last one is committed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

import attrs

from damlink._model import SourceAsset
from damlink._system.json_record import text_of

__all__ = ["Batch", "Recorder"]

# A slow listing must not delay the transfer of what it has listed already.
GATHER_SECONDS: Final = 0.1
# Other writers wait during a transaction: a batch holds as many rows as are stored in about this time.
COMMIT_SECONDS: Final = 0.2
FEWEST_ROWS: Final = 200
# Five times as many take 10 MB more, and a tenth less processor time.
MOST_ROWS: Final = 1_000
# Characters of JSON. Bounds the memory: a record may have 64 KiB.
MOST_TEXT: Final = 2_000_000


@attrs.define
class Batch:
    """Source assets of a listing, and the last cursor among them.

    Rows that were listed behind the cursor are stored with it all the same: to list them again is harmless.
    """

    assets: list[SourceAsset] = attrs.field(factory=list)
    cursor: str | None = None
    text: int = 0
    began: float = attrs.field(factory=time.monotonic)


class Recorder:
    """Context manager that stores a listing in batches, on one thread and in order.

    A cursor is stored in the same transaction as the rows before it, or in a later one. After an error
    nothing more is stored. Without `finish`, the assets that are not being stored yet are dropped.

    Args:
        store: stores a batch; durable when it returns.
    """

    def __init__(self, store: Callable[[Batch], None]) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._batch: Batch | None = None
        self._most = FEWEST_ROWS
        self._is_closing = self._has_ended = False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="recorder")

    def __enter__(self) -> Self:
        self._storing = self._pool.submit(self._store_all)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._batch = None
        self._close()
        self._pool.shutdown()

    def add(self, asset: SourceAsset) -> None:
        """Take an asset; wait while a full batch waits for the one before it.

        Raises:
            DamlinkError: an earlier batch could not be stored.
        """
        with self._changed:
            batch = self._gather()
            batch.assets.append(asset)
            batch.text += len(text_of(asset.raw))
            if self._is_full(batch):
                self._changed.notify_all()

    def reach(self, cursor: str) -> None:
        """Take a cursor: everything that was added before has been listed. Raises as `add` does."""
        with self._changed:
            self._gather().cursor = cursor

    def finish(self) -> None:
        """Store all that was added; durable when this returns. Raises as `add` does."""
        self._close()
        self._storing.result()

    def _gather(self) -> Batch:
        """Return the batch to add to."""
        while not self._has_ended and self._batch is not None and self._is_full(self._batch):
            self._changed.wait()
        if self._has_ended:
            self._storing.result()
        if self._batch is None:
            self._batch = Batch()
            self._changed.notify_all()
        return self._batch

    def _is_full(self, batch: Batch) -> bool:
        return len(batch.assets) >= self._most or batch.text >= MOST_TEXT

    def _close(self) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    # --- the thread that stores --------------------------------------------------------------------

    def _store_all(self) -> None:
        try:
            while (batch := self._take()) is not None:
                began = time.monotonic()
                self._store(batch)
                self._adapt(len(batch.assets), time.monotonic() - began)
        finally:
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _take(self) -> Batch | None:
        """Wait for a batch that is full or old enough; return `None` at the end."""
        with self._changed:
            while not self._is_closing and (pause := self._pause()) != 0:
                self._changed.wait(pause)
            batch, self._batch = self._batch, None
            self._changed.notify_all()
            return batch

    def _pause(self) -> float | None:
        """Return the seconds until the batch is to be stored; `None` while there is none."""
        if self._batch is None:
            return None
        age = time.monotonic() - self._batch.began
        return 0 if self._is_full(self._batch) else max(0, GATHER_SECONDS - age)

    def _adapt(self, rows: int, seconds: float) -> None:
        """Let a batch have as many rows as are stored in the time for a transaction."""
        fitting = int(rows * COMMIT_SECONDS / max(seconds, 0.001))
        if rows >= self._most or fitting < self._most:
            self._most = min(max(fitting, FEWEST_ROWS), 4 * self._most, MOST_ROWS)
