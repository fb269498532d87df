"""Sending of parts: several in parallel, registered in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

from damlink._upload.parts import Part
from damlink._upload.source import SourceFailureError

__all__ = ["PARTS_IN_ALL", "send_parts"]

# Parts that are sent in parallel by all uploads of this process together, if they have several parts.
PARTS_IN_ALL: Final = 8
_pool: Final = ThreadPoolExecutor(PARTS_IN_ALL, thread_name_prefix="part")

_Act = Callable[[Part], None]


def send_parts(parts: Iterator[Part], send: _Act, register: _Act, *, missing: int) -> None:
    """Send every part, and register each one in order, in this thread.

    No part is being sent any more when this returns.

    Args:
        send: called from several threads, unless only one part is missing.
        missing: number of parts that are not sent yet.
    """
    if missing > 1:
        _Sending(send, register).send_all(parts)
        return
    for part in parts:
        try:
            send(part)
        finally:
            part.release()
        register(part)


class _Sending:
    """The parts of one upload that are being sent, or sent and not registered yet."""

    def __init__(self, send: _Act, register: _Act) -> None:
        self._send = send
        self._register = register
        self._queue: deque[tuple[Part, Future[None]]] = deque()

    def send_all(self, parts: Iterator[Part]) -> None:
        """Send every part; after a failure register what was sent before it."""
        try:
            for part in parts:
                self._queue.append((part, _pool.submit(self._send_one, part)))
                self._make_room(part.at_once)
                if self._has_failure:
                    break
            self._register_all()
        except SourceFailureError:
            # Parts that were read must not be sent again by the next run.
            self._register_all()
            raise
        finally:
            self._stop()

    def _send_one(self, part: Part) -> None:
        try:
            self._send(part)
        finally:
            part.release()

    def _make_room(self, at_once: int) -> None:
        """Register what can be registered, and wait until fewer parts are being sent."""
        while self._queue:
            running = [future for _, future in self._queue if not future.done()]
            if self._queue[0][1].done():
                self._register_next()
            elif len(running) < at_once or self._has_failure:
                return
            else:
                wait(running, return_when=FIRST_COMPLETED)

    @property
    def _has_failure(self) -> bool:
        return any(future.done() and future.exception() for _, future in self._queue)

    def _register_all(self) -> None:
        while self._queue:
            self._register_next()

    def _register_next(self) -> None:
        part, future = self._queue.popleft()
        try:
            future.result()
        except BaseException:
            # The parts behind it must not be registered.
            self._stop()
            raise
        self._register(part)

    def _stop(self) -> None:
        left, self._queue = self._queue, deque()
        for part, future in left:
            if future.cancel():
                part.release()
            part.cancel()
        wait([future for _, future in left])
