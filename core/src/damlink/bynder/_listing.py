"""Lists of records: one that is read page by page while it is used, and one that is a single answer."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

from damlink._system.waiting import interrupt_waits
from damlink.errors import StoppedError

__all__ = ["Listing", "Pages", "Records", "read_ahead"]

T = TypeVar("T")
Item = TypeVar("Item", covariant=True)


class OnePage(Protocol[Item]):
    """Records of one page."""

    def __iter__(self) -> Iterator[Item]: ...
    def __len__(self) -> int: ...


Pages = Iterator[tuple[OnePage[T], bool]]
"""Requests a page when it is asked for one; yields its records, and whether a request follows."""


class _Source(Generic[T]):
    """Pages of a list, of which the first one can be requested before it is used."""

    def __init__(self, pages: Pages[T]) -> None:
        self._pages = pages
        self._ahead: list[tuple[OnePage[T], bool]] = []
        self.first: OnePage[T] | None = None

    def __iter__(self) -> Pages[T]:
        while (found := self._next()) is not None:
            yield found

    def request_first(self) -> None:
        """Request the first page, unless it was requested before."""
        if self.first is None and (found := self._next()) is not None:
            self._ahead.append(found)

    def _next(self) -> tuple[OnePage[T], bool] | None:
        found = self._ahead.pop() if self._ahead else next(self._pages, None)
        if self.first is None:
            self.first = found[0] if found else ()
        return found


class Listing(Iterator[T]):
    """A list of records that is read page by page while it is used, and only once.

    Nothing is requested before the first record, page or total is read. The next page is requested while
    the last one is used; see `close`.
    """

    def __init__(self, pages: Pages[T], count: Callable[[], int | None] | None = None) -> None:
        self._source = _Source(pages)
        self._count = count
        self._total: list[int | None] = []
        # The generator does not know the list: the request of the next page ends when the list is let go.
        self._records = read_ahead(iter(self._source))

    def __iter__(self) -> Iterator[T]:
        return self._records

    def __next__(self) -> T:
        return next(self._records)

    @property
    def total(self) -> int | None:
        """Number of records on all pages; `None` if the portal does not tell.

        It is that of the first page, which is requested if it was not; lists of assets and of collections
        request it by a call of its own.
        """
        if not self._total:
            self._total.append(self._read_total())
        return self._total[0]

    def _read_total(self) -> int | None:
        if self._count is not None:
            return self._count()
        self._source.request_first()
        total: int | None = getattr(self._source.first, "total", None)
        return total

    def pages(self) -> Iterator[Any]:
        """Yield the pages in place of the records, each with `items` and `total`, without reading ahead."""
        yield from (page for page, _ in self._source)

    def close(self) -> None:
        """End the request of the next page. The list has no more records."""
        self._records.close()


class Records(tuple[T, ...]):
    """A list of records that is a single answer of the portal.

    Args:
        is_whole: the portal has no more records than these.
    """

    total: int | None

    def __new__(cls, records: Iterable[T], *, is_whole: bool = True) -> Records[T]:
        """Return the records, with their number as the total if they are all."""
        found = super().__new__(cls, records)
        found.total = len(found) if is_whole else None
        return found

    @property
    def items(self) -> tuple[T, ...]:
        """The records, as a page has them."""
        return tuple(self)

    def pages(self) -> Iterator[Records[T]]:
        """Yield the only page."""
        yield self

    def __eq__(self, other: object) -> bool:
        return list(self) == other if isinstance(other, list) else tuple.__eq__(self, other)

    __hash__ = tuple.__hash__


def read_ahead(pages: Pages[T]) -> Generator[T, None, None]:
    """Yield the records of pages, and get the next page in a thread while the reader uses the last one.

    No more than one page is ahead. It is requested when the reader has used a tenth of a page, so that a
    search for the first match costs one request. An error is raised after the records before it. If the
    reader stops early, the request ends its waits, and the thread ends.
    """
    closed = threading.Event()

    def verify() -> None:
        if closed.is_set():
            raise StoppedError("the list is not read any more")

    def get_next() -> tuple[OnePage[T], bool] | None:
        with interrupt_waits(verify):
            return next(pages, None)

    with ThreadPoolExecutor(1, "damlink-next-page") as thread:
        try:
            page = next(pages, None)
            while page is not None:
                records, has_next = page
                unread = iter(records)
                yield from itertools.islice(unread, max(1, len(records) // 10))
                coming = thread.submit(get_next) if has_next else None
                yield from unread
                page = coming.result() if coming else next(pages, None)
        finally:
            closed.set()
