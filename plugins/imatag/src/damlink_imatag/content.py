"""A marked file as content: fetched when it is needed, and always the bytes that were judged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from damlink import Content, TransientError
from damlink_imatag.media_info import Facts, Spool

__all__ = ["MarkedContent"]


class MarkedContent(Content):
    """A marked file.

    Args:
        facts: of the bytes that were judged.
        fetch: brings them again, after a crash.
        spool: holds them, where they have just been judged.
    """

    def __init__(
        self, filename: str, facts: Facts, fetch: Callable[[], Spool], spool: Spool | None = None
    ) -> None:
        super().__init__(filename, self._pieces, facts.size, facts.media_type or None, validator=facts.sha256)
        self.facts = facts
        self._fetch = fetch
        self._spool = spool
        self._lock = threading.Lock()

    def _pieces(self, offset: int) -> Iterator[bytes]:
        return self._held().pieces(offset)

    def _held(self) -> Spool:
        with self._lock:
            if self._spool is None:
                spool = self._fetch()
                if spool.facts.sha256 != self.facts.sha256:
                    spool.close()
                    raise TransientError("Imatag gives other bytes for a marked file than before")
                self._spool = spool
            return self._spool

    def close(self) -> None:
        """Let the bytes go; they are fetched again if they are needed again."""
        with self._lock:
            spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()
