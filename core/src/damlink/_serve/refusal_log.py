"""Record of refused messages at event addresses, written seldom however many there are."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from typing import Final

import attrs

from damlink._sns.envelope import MalformedError, parse
from damlink._state.refusals import Refusals
from damlink.errors import StateError

__all__ = ["RefusalLog"]

WRITE_SECONDS: Final = 60.0
# Keys that a process counts at once; of more, the oldest begins anew.
MOST_KEYS: Final = 200

_log = logging.getLogger(__name__)


@attrs.define
class _Count:
    """Messages of one key: all, and those that are written."""

    seen: int = 0
    written: int = 0
    written_at: float = 0.0

    def is_due(self, now: float) -> bool:
        """Return whether to write: at the first, whenever the number has doubled, and after a minute."""
        return self.seen >= 2 * self.written or now - self.written_at >= WRITE_SECONDS


class RefusalLog:
    """Counts refused messages, and writes a flood of them with few transactions. Thread-safe."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[str, str, str], _Count] = OrderedDict()

    def note(self, portal: str, outcome: str, reason: str, body: bytes) -> None:
        """Count a refused message. A database that cannot be written now does not matter."""
        topic, message = _describe(body)
        if new := self._count((portal, outcome, topic)):
            try:
                self._refusals.add(portal, outcome, topic, reason, message, new)
            except StateError as error:
                _log.debug("a refused message is not recorded: %s", error)

    def _count(self, key: tuple[str, str, str]) -> int:
        """Return how many messages are to be written now."""
        now = time.monotonic()
        with self._lock:
            count = self._counts.setdefault(key, _Count())
            self._counts.move_to_end(key)
            while len(self._counts) > MOST_KEYS:
                self._counts.popitem(last=False)
            count.seen += 1
            if not count.is_due(now):
                return 0
            new = count.seen - count.written
            count.written, count.written_at = count.seen, now
            return new


def _describe(body: bytes) -> tuple[str, str]:
    """Return the topic that a message says it is from, and its kind, id and subject."""
    try:
        envelope = parse(body)
    except MalformedError:
        return "", ""
    return envelope.topic.arn, " ".join(filter(None, (envelope.kind, envelope.message_id, envelope.subject)))
