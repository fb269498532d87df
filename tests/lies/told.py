"""One lie about one request, and what has come of it."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import httpx

from damlink._http import client as http_client
from damlink._http.answer import AnswerLimits
from damlink._http.connection import Connection
from damlink._http.retry import no_waiting

__all__ = ["OUTCOMES", "Told", "plain", "short_limits"]

OUTCOMES: Final = ("once", "retried", "uncertain", "lost", "twice")
ANSWER_SECONDS: Final = 1.0
_MEMORY: Final = Path("/dev/shm")
# Ids, addresses, and paths.
_CHANGING: Final = re.compile(r"\b\d{6,}\b|\b[0-9A-Fa-f-]{32,}\b|127\.0\.0\.1(?::\d+)?|/[a-z]\w*/[^\s,;:]*")


@attrs.frozen
class Told:
    """What has come of a lie.

    Attributes:
        outcome: one of `OUTCOMES`.
        texts: of an uncertain outcome, what a person reads; of a bad one, what has happened.
    """

    request: str
    lie: str
    outcome: str
    texts: tuple[str, ...] = ()

    @property
    def is_bad(self) -> bool:
        """Whether the promise is broken: also by an uncertain outcome that nobody explains."""
        return self.outcome in ("lost", "twice") or (self.outcome == "uncertain" and not all(self.texts))


def plain(text: str) -> str:
    """Return a text without what differs in each run."""
    return _CHANGING.sub("…", text.splitlines()[0] if text else "")


@contextlib.contextmanager
def short_limits() -> Iterator[None]:
    """Repeat requests at once, and give up an answer after a second: the constants of the product are for
    real networks, and no setting changes them.
    """
    earlier = Connection.timeouts, http_client.AnswerLimits
    short = httpx.Timeout(2 * ANSWER_SECONDS, pool=60.0)
    Connection.timeouts = property(lambda _connection: short)  # type: ignore[method-assign, assignment]
    http_client.AnswerLimits = functools.partial(AnswerLimits, seconds=ANSWER_SECONDS)  # type: ignore[misc, assignment]
    try:
        with no_waiting():
            yield
    finally:
        Connection.timeouts, http_client.AnswerLimits = earlier  # type: ignore[method-assign, misc]
