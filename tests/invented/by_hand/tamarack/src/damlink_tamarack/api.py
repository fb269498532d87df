"""Requests to Tamarack's API and its answers. No other module knows its JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from damlink import Client, read_as

__all__ = ["Item", "list_items"]


@attrs.frozen
class Item:
    """One row of the list."""

    id: str = attrs.field(metadata={"json": "mediaId"})
    headline: str
    updated: str = attrs.field(metadata={"json": "updatedAt"})
    filename: str
    sha: str
    state: str
    keywords: tuple[str, ...] = ()
    credit: str | None = None
    embargo: bool = False


@attrs.frozen
class Page:
    """One page of the list, and the cursor of the next one."""

    media: list[Item]
    page_token: str | None = None


def list_items(http: Client, collection: str = "", since: str | None = None) -> Iterator[list[Item]]:
    """Yield the pages of the list, in the order of the last change.

    Args:
        collection: its name; empty: all of them.
        since: the moment of a change; itself included.
    """
    query: dict[str, Any] = {"collection": collection, "updated_from": since or ""}
    while True:
        page = read_as(http.get("/v3/media", params=query), Page, "result")
        yield page.media
        if not page.page_token or page.page_token == query.get("page_token"):
            return
        query["page_token"] = page.page_token
