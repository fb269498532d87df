"""Streams that say when a page is no longer what the database says: one reader for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Mapping
from typing import Any, Final

import attrs
from anyio import to_thread

from damlink.errors import DamlinkError

__all__ = ["BEAT_SECONDS", "LIFE_SECONDS", "MOST_OF_SESSION", "MOST_STREAMS", "Live", "Marks", "end_text"]

LOOK_SECONDS: Final = 1.0
# Each change makes each open page ask once: so many of them in a second, at most.
PAGES_A_SECOND: Final = 5
# The browser begins a new one, whose session is checked again.
LIFE_SECONDS: Final = 600.0
# Shorter than the time after which a proxy cuts off an answer that rests.
BEAT_SECONDS: Final = 20.0
RETRY_MILLISECONDS: Final = 2000
MOST_STREAMS: Final = 100
# A browser opens six connections to a server, and needs some for the pages.
MOST_OF_SESSION: Final = 4
TOO_MANY: Final = "too many pages are open"


@attrs.frozen
class Marks:
    """Digests of what pages show.

    Attributes:
        common: what concerns every page.
        own: what concerns one connector, by its name.
    """

    common: Hashable = ()
    own: Mapping[str, Hashable] = attrs.field(factory=dict)

    def of(self, connector: str) -> str:
        """Return the digest of one connector; of all if it is empty."""
        shown = self.own.get(connector) if connector else sorted(self.own.items())
        return hashlib.sha256(repr((self.common, shown)).encode()).hexdigest()[:16]


@attrs.define(eq=False)
class _Stream:
    """One stream.

    Attributes:
        marks: digests that were read since it began; older ones may be older than what its browser has.
    """

    owner: str
    connector: str
    seen: str
    marks: Marks | None = None
    news: asyncio.Event = attrs.field(factory=asyncio.Event)
    why_ended: str = ""


def end_text(why: str) -> str:
    """Return the event after which a browser asks no more."""
    return f"event: ended\ndata: This page no longer updates by itself: {why}. Open it again.\n\n"


def _tell_news(streams: Iterable[_Stream], marks: Marks) -> None:
    for each in streams:
        if each.marks != marks:
            each.marks = marks
            each.news.set()


class Live:
    """The streams of one server; all in the thread of its event loop.

    Args:
        read: reads the present digests; called in a thread, and only while a stream is open.
    """

    def __init__(self, read: Callable[[], Marks], *, look_seconds: float = LOOK_SECONDS) -> None:
        self.read = read
        self._look_seconds = look_seconds
        self._streams: list[_Stream] = []
        self._reader: asyncio.Task[Any] | None = None
        self._is_closed = False

    async def follow(self, owner: str, connector: str, seen: str) -> AsyncIterator[str]:
        """Yield the text of a stream: an event for each change of what a page shows.

        Args:
            owner: whose session it is; of too many streams the oldest ends.
            connector: of the page; empty for all.
            seen: the digest of what the browser has.
        """
        stream = _Stream(owner, connector, seen)
        if len(self._streams) >= MOST_STREAMS:
            yield end_text(TOO_MANY)
            return
        self._streams.append(stream)
        self._end_oldest_of(owner)
        self._begin_to_read()
        try:
            yield f"retry: {RETRY_MILLISECONDS}\n\n"
            async for text in self._tell(stream):
                yield text
        finally:
            self._streams.remove(stream)

    async def _tell(self, stream: _Stream) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + LIFE_SECONDS
        while not (self._is_closed or stream.why_ended) and loop.time() < ends_at:
            stream.news.clear()
            mark = stream.marks.of(stream.connector) if stream.marks else stream.seen
            if mark != stream.seen:
                stream.seen = mark
                yield f"id: {mark}\nevent: changed\ndata: {mark}\n\n"
                continue
            try:
                await asyncio.wait_for(stream.news.wait(), BEAT_SECONDS)
            except TimeoutError:
                yield ": still there\n\n"
        if stream.why_ended:
            yield end_text(stream.why_ended)

    def _end_oldest_of(self, owner: str) -> None:
        own = [each for each in self._streams if each.owner == owner and not each.why_ended]
        for each in own[:-MOST_OF_SESSION]:
            each.why_ended = TOO_MANY
            each.news.set()

    def _begin_to_read(self) -> None:
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Look for changes as long as a stream is open."""
        while self._streams and not self._is_closed:
            # A database that is away for a moment leaves the pages as they are.
            with contextlib.suppress(DamlinkError, OSError):
                streams = [*self._streams]
                _tell_news(streams, await to_thread.run_sync(self.read))
            await asyncio.sleep(max(self._look_seconds, len(self._streams) / PAGES_A_SECOND))

    def _wake(self) -> None:
        for each in self._streams:
            each.news.set()

    def close(self) -> None:
        """End all streams; browsers begin new ones when there is a server again."""
        self._is_closed = True
        self._wake()
        if self._reader is not None:
            self._reader.cancel()
