"""The end of a process at one of its requests: right before it is sent, or right after its effect."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Final

import attrs
import httpx

from damlink._context import Context

__all__ = ["Death", "KilledError", "watching"]

_READS: Final = frozenset({"GET", "HEAD"})
_NUMBER: Final = "damlink.testing.number"


class KilledError(BaseException):
    """The process has ended here."""


def _kill() -> None:
    raise KilledError


@attrs.define
class Death:
    """Ends the process at one of its requests; none is sent or answered from then on.

    Attributes:
        at: number of the request, counted from 1; 0 for none.
        before: whether it ends before the request, or after its effect.
        reads: whether requests that only read are counted, too.
        end: what happens then and at each request afterwards; by default it raises.
        count: number of such requests so far.
    """

    at: int = 0
    before: bool = False
    reads: bool = False
    end: Callable[[], None] = _kill
    count: int = 0
    is_dead: bool = False
    _lock: threading.Lock = attrs.field(factory=threading.Lock, repr=False)

    def send(self, request: httpx.Request) -> None:
        """Count a request."""
        with self._lock:
            is_counted = self.reads or request.method not in _READS
            self.count += is_counted
            request.extensions[_NUMBER] = self.count if is_counted else 0
        self._die_if(self.before, request)

    def receive(self, response: httpx.Response) -> None:
        """Receive an answer."""
        self._die_if(not self.before, response.request)

    def _die_if(self, now: bool, request: httpx.Request) -> None:
        self.is_dead = self.is_dead or (now and bool(self.at) and request.extensions.get(_NUMBER) == self.at)
        if self.is_dead:
            self.end()


@contextlib.contextmanager
def watching(context: Context, death: Death) -> Iterator[None]:
    """Let every client of a connector end with the process."""
    portal = context.bynder
    hooks: dict[str, list[Callable[..., None]]] = {"request": [death.send], "response": [death.receive]}
    clients = (context.http, portal._client, portal._s3)
    before = [client.event_hooks for client in clients]
    for client in clients:
        client.event_hooks = hooks
    try:
        yield
    finally:
        for client, known in zip(clients, before, strict=True):
            client.event_hooks = known
