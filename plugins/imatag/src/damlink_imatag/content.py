"""Content of a marked file: fetched when needed, and always the bytes that were verified."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from damlink import Content, TransientError
from damlink_imatag.media_info import Facts, MeasuredSpool

__all__ = ["MarkedContent"]


class MarkedContent(Content):
    """Content of a marked file.

    Args:
        facts: facts of the verified bytes.
        fetch: fetches the bytes again, after a crash.
        spool: the bytes, if they have just been verified.
    """

    def __init__(
        self,
        filename: str,
        facts: Facts,
        fetch: Callable[[], MeasuredSpool],
        spool: MeasuredSpool | None = None,
    ) -> None:
        super().__init__(filename, self._pieces, facts.size, facts.media_type or None, validator=facts.sha256)
        self.facts = facts
        self._fetch = fetch
        self._spool = spool
        self._lock = threading.Lock()

    def _pieces(self, offset: int) -> Iterator[bytes]:
        return self._open_spool().pieces(offset)

    def _open_spool(self) -> MeasuredSpool:
        with self._lock:
            if self._spool is None:
                spool = self._fetch()
                if spool.facts.sha256 != self.facts.sha256:
                    spool.close()
                    raise TransientError("Imatag gives other bytes for a marked file than before")
                self._spool = spool
            return self._spool

    def close(self) -> None:
        """Delete the bytes; they are fetched again if they are needed again."""
        with self._lock:
            spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()
