"""Brings messages to their endpoints from threads of its own, and again where that is right."""

from __future__ import annotations

import contextlib
import heapq
import http.client
import itertools
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

__all__ = ["Courier", "Parcel"]

# For the whole request. Source: Amazon SNS developer guide.
TIMEOUT_SECONDS = 15.0
WORKERS = 4
MOST_NOTED = 20_000


@attrs.define
class Parcel:
    """One message on its way to one endpoint.

    Attributes:
        about: what `state()` shows of it.
    """

    endpoint: str
    headers: Mapping[str, str]
    body: bytes
    about: Mapping[str, Any]
    attempt: int = 0


class Courier:
    """Delivers, with pauses between the attempts: by default 4, 20 seconds apart.

    Source: Amazon SNS developer guide, "Message delivery retries".

    Attributes:
        attempts: how often one message is tried.
        pause: seconds between two attempts.
        noted: every attempt and what came of it.
    """

    def __init__(self) -> None:
        self.attempts, self.pause = 4, 20.0
        self.noted: list[dict[str, Any]] = []
        self._due: list[tuple[float, int, Parcel]] = []
        self._numbers = itertools.count()
        self._under_way = 0
        self._changed = threading.Condition()
        self._workers: list[threading.Thread] = []

    def send(self, parcel: Parcel, after: float = 0.0) -> None:
        """Deliver a parcel from another thread, so many seconds from now."""
        with self._changed:
            # The number keeps the order of equal times, and parcels from being compared.
            heapq.heappush(self._due, (time.monotonic() + after, next(self._numbers), parcel))
            while len(self._workers) < WORKERS:
                worker = threading.Thread(target=self._work, name="sns-courier", daemon=True)
                self._workers.append(worker)
                worker.start()
            self._changed.notify()

    def is_idle(self) -> bool:
        """Return whether no message is on its way or scheduled."""
        with self._changed:
            return not self._due and not self._under_way

    def _work(self) -> None:
        while True:
            parcel = self._next()
            outcome = _post(parcel)
            parcel.attempt += 1
            again = outcome.get("status", 500) >= 500 and parcel.attempt < self.attempts
            with self._changed:
                self.noted.append({**parcel.about, "attempt": parcel.attempt, **outcome})
                del self.noted[:-MOST_NOTED]
            # Scheduled before this attempt ends, so that `is_idle` is never true in between.
            if again:
                self.send(parcel, self.pause)
            with self._changed:
                self._under_way -= 1

    def _next(self) -> Parcel:
        with self._changed:
            while not self._due or self._due[0][0] > time.monotonic():
                self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
            self._under_way += 1
            return heapq.heappop(self._due)[2]


def _post(parcel: Parcel) -> dict[str, Any]:
    url = urlsplit(parcel.endpoint)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        try:
            path = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
            connection.request("POST", path, parcel.body, dict(parcel.headers))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            return {"error": str(error) or type(error).__name__}
        return {"status": answer.status}
