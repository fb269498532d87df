"""Pages of a list, in the four ways that partners have.

`size` is the most that a page holds, whatever the caller asks for: with a small one a list of a few files has
several pages.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import httpx
from starlette.responses import JSONResponse, Response

from damlink_sandbox.application import Refusal

__all__ = ["cursor_page", "linked_page", "numbered_page", "offset_page"]

T = TypeVar("T")
Query = Mapping[str, str]


def numbered_page(
    query: Query,
    rows: Sequence[T],
    size: int,
    *,
    page: str = "page",
    per_page: str = "per_page",
    first: int = 1,
) -> Sequence[T]:
    """Return the rows of the page with the number of a query parameter; none after the last page.

    Args:
        page: the parameter's name.
        per_page: the name of the parameter for the number of rows, if the caller wants fewer.
        first: the number of the first page, and of a request that gives none.
    """
    number, most = _whole(query, page, first) - first, _most(query, per_page, size)
    if number < 0:
        raise _bad(page)
    return rows[number * most : (number + 1) * most]


def offset_page(
    query: Query, rows: Sequence[T], size: int, *, offset: str = "offset", limit: str = "limit"
) -> Sequence[T]:
    """Return the rows from the offset of a query parameter; none after the last row."""
    begin = _whole(query, offset, 0)
    if begin < 0:
        raise _bad(offset)
    return rows[begin : begin + _most(query, limit, size)]


def cursor_page(
    query: Query, rows: Sequence[T], size: int, *, cursor: str = "cursor", limit: str = "limit"
) -> tuple[Sequence[T], str | None]:
    """Return the rows after an opaque cursor, and the cursor of the next page; `None` after the last one."""
    begin = _decode(query.get(cursor) or "", cursor)
    end = begin + _most(query, limit, size)
    return rows[begin:end], _encode(end) if end < len(rows) else None


def linked_page(
    url: str, query: Query, rows: Sequence[T], size: int, *, page: str = "page", body: Any = None
) -> Response:
    """Return an answer with the rows of a page and, in its `Link` header, the address of the next one.

    Args:
        url: the whole address of the request.
        body: wraps the rows; by default they are the whole answer.

    Source: RFC 8288.
    """
    found = numbered_page(query, rows, size, page=page)
    number, most = _whole(query, page, 1), _most(query, "per_page", size)
    following = httpx.URL(url).copy_set_param(page, number + 1)
    has_more = number * most < len(rows)
    headers = {"Link": f'<{following}>; rel="next"'} if has_more else {}
    return JSONResponse(list(found) if body is None else body(found), headers=headers)


def _most(query: Query, name: str, size: int) -> int:
    asked = _whole(query, name, size)
    if asked < 1:
        raise _bad(name)
    return min(asked, size)


def _whole(query: Query, name: str, default: int) -> int:
    try:
        return int(query.get(name) or default)
    except ValueError as error:
        raise _bad(name) from error


def _encode(place: int) -> str:
    return base64.urlsafe_b64encode(f"after {place}".encode()).decode().rstrip("=")


def _decode(value: str, name: str) -> int:
    if not value:
        return 0
    try:
        text = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
        return int(text.removeprefix("after "))
    except (binascii.Error, ValueError) as error:
        raise _bad(name) from error


def _bad(name: str) -> Refusal:
    return Refusal(JSONResponse({"error": f"the parameter {name} is wrong"}, 400))
