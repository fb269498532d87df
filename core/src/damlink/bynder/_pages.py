"""Numbered pages whose totals stand in the answer's headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs
import httpx

from damlink._http.client import Client
from damlink.bynder._bodies import expect_records, read_again, read_body
from damlink.bynder.records.convert import number

__all__ = ["Page", "get_page", "page_query", "walk"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: what is on it, in the portal's order.
        page: its number, from 1; `None` where the portal does not say, and so for the others.
        limit: the most that a page holds.
        total: how many there are on all pages.
        pages: how many pages there are.

    Source: Bynder's published definitions of users and jobs: `X-Pagination-…`.
    """

    items: tuple[T, ...]
    page: int | None = None
    limit: int | None = None
    total: int | None = None
    pages: int | None = None

    @classmethod
    def read(cls, response: httpx.Response, record: Callable[[Mapping[str, Any]], T]) -> Page[T]:
        """From an answer: each record of its body, the totals of its headers."""
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
    """What asks for a page; nothing for the first one without a limit, which holds everything."""
    asked = {} if limit is None else {"limit": limit}
    return asked if page == 1 and limit is None else {"page": page, **asked}


def walk(ask: Callable[[int], Page[T]], limit: int | None) -> Iterator[T]:
    """Yield what is on page 1, 2, … until the last one.

    The last one is the one the portal counts as such; where it does not count, one that is not full, or
    the first where no limit was asked for, since that gives everything.
    """
    before: Sequence[T] = ()
    number_of_page = 1
    while (page := ask(number_of_page)).items and page.items != before:
        yield from page.items
        if page.pages is not None:
            if number_of_page >= page.pages:
                return
        elif limit is None or len(page.items) < limit:
            return
        before = page.items  # a portal that knows no pages would give the same one for ever
        number_of_page += 1
