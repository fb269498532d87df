"""Numbered pages of a list, with totals in the headers of the answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs
import httpx

from damlink._http.client import Client
from damlink.bynder._bodies import expect_records, read_again, read_body
from damlink.bynder._listing import Listing, Pages, read_ahead
from damlink.bynder.records.convert import number

__all__ = ["Page", "Pages", "get_page", "page_query", "read_ahead", "walk", "walk_cursors"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: records of the page, in the portal's order.
        page: number of the page, counted from 1; like the others `None` if the portal does not send it.
        limit: maximum number of records on a page.
        total: number of records on all pages.
        pages: number of pages.
        next_cursor: start of the next page, for lists that are read by cursor.
        previous_cursor: start of the page before.

    Source: Bynder's published definitions of users and jobs: `X-Pagination-…`.
    """

    items: tuple[T, ...]
    page: int | None = None
    limit: int | None = None
    total: int | None = None
    pages: int | None = None
    next_cursor: str | None = None
    previous_cursor: str | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def read(cls, response: httpx.Response, record: Callable[[Mapping[str, Any]], T]) -> Page[T]:
        """Read the records from an answer's body, and the totals from its headers."""
        return cls(
            items=tuple(map(record, read_body(response, expect_records))),
            page=_header(response, "Page"),
            limit=_header(response, "Limit"),
            total=_header(response, "TotalRecords"),
            pages=_header(response, "TotalPages"),
        )


def get_page(
    client: Client, path: str, record: Callable[[Mapping[str, Any]], T], query: Mapping[str, Any]
) -> Page[T]:
    """GET one page of records, again if the answer is unreadable."""
    return read_again(lambda: client.get(path, params=query), lambda response: Page.read(response, record))


def _header(response: httpx.Response, name: str) -> int | None:
    text = response.headers.get(f"X-Pagination-{name}")
    return number(text) if text else None


def page_query(page: int, limit: int | None) -> dict[str, int]:
    """Return the parameters of a page; none for page 1 without a limit, which contains all records."""
    if limit is None:
        return {} if page == 1 else {"page": page}
    return {"page": page, "limit": limit}


def walk(
    ask: Callable[[int], Page[T]], limit: int | None, count: Callable[[], int | None] | None = None
) -> Listing[T]:
    """Return the list of the records of page 1, 2, … up to the last page.

    If the portal does not send the number of pages, the last page is the first that is not full, or
    page 1 if no limit was sent, since it contains all records.

    Args:
        count: returns the number of all records, if a page does not tell it.
    """
    return Listing(_pages(ask, limit), count)


def _pages(ask: Callable[[int], Page[T]], limit: int | None) -> Pages[T]:
    before: Sequence[T] = ()
    for number_of_page in itertools.count(1):
        page = ask(number_of_page)
        # A portal without pages would send the same records without end.
        if not page.items or page.items == before:
            return
        before = page.items
        if page.pages is None:
            has_next = limit is not None and len(page.items) >= limit
        else:
            has_next = number_of_page < page.pages
        yield page, has_next
        if not has_next:
            return


def walk_cursors(ask: Callable[[str | None], Page[T]]) -> Listing[T]:
    """Return the list of the records of all pages, each of which is requested by the cursor before it."""
    return Listing(_cursor_pages(ask))


def _cursor_pages(ask: Callable[[str | None], Page[T]]) -> Pages[T]:
    seen: set[str | None] = {None}
    page = ask(None)
    while page.items:
        # A portal that repeats a cursor would send the same records without end.
        cursor = page.next_cursor if page.next_cursor not in seen else None
        yield page, bool(cursor)
        if not cursor:
            return
        seen.add(cursor)
        page = ask(cursor)
