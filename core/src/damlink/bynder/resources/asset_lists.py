"""Assets in lists: by filters, page by page, and what lies in the trash.

Source: api.bynder.com, "Assets": list; "Trash".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

import httpx

from damlink._http.client import Client
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_page, expect_records, get_body, read_again, read_body
from damlink.bynder._fields import batches, fields, named, page_size, typed
from damlink.bynder._pages import Page, walk
from damlink.bynder.records.assets import Asset, AssetPage, TrashedAsset

__all__ = ["AssetFilters", "AssetLists"]

PATH: Final = "/api/v4/media/"
MOST: Final = 1000  # the most that the portal gives at once
CURSOR: Final = "X-Bynder-NextCursor"
STEADY: Final = "dateCreated asc"  # an order in which pages do not shift while assets are added


class AssetFilters(TypedDict, total=False):
    """Which assets a list holds, and what it tells of each.

    Args:
        ids: of assets; unknown ones are passed over, and no ids at all give no assets.
        keyword: free text, looked for in file names, tags, extensions and more.
        tags: which an asset has.
        type: any of `image`, `document`, `audio`, `video`, `3d`.
        orientation: any of `square`, `portrait`, `landscape`.
        brand_id: of the brand.
        sub_brand_id: of the brand within it.
        category_id: of a category.
        collection_id: of a collection.
        property_option_id: ids of options of metaproperties.
        properties: database name of a metaproperty and its value: the name of an option, ids of
            options parted by commas, or the text. Dates cannot be asked for so.
        date_created: created after it; with `date_created_to`, from it on.
        date_created_to: created before it.
        date_created_on: created on that day.
        date_modified: modified after it; with `date_modified_to`, from it on.
        date_modified_to: modified before it.
        date_modified_on: modified on that day.
        is_public: only public ones.
        limited: only those of limited usage.
        archive: only archived ones, which are left out otherwise.
        order_by: one of `dateCreated`, `dateModified`, `datePublished`, `name`, then `asc` or `desc`.
        include_media_items: with the files of each.
        include_version_number: with the number of each one's active version.
    """

    ids: Sequence[str] | None
    keyword: str | None
    tags: Sequence[str] | None
    type: Sequence[str] | None
    orientation: Sequence[str] | None
    brand_id: str | None
    sub_brand_id: str | None
    category_id: str | None
    collection_id: str | None
    property_option_id: Sequence[str] | None
    properties: Mapping[str, str] | None
    date_created: datetime | None
    date_created_to: datetime | None
    date_created_on: datetime | None
    date_modified: datetime | None
    date_modified_to: datetime | None
    date_modified_on: datetime | None
    is_public: bool | None
    limited: bool | None
    archive: bool | None
    order_by: str | None
    include_media_items: bool
    include_version_number: bool


class AssetLists:
    """Assets in lists."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @action("List Assets")
    def list(
        self,
        *,
        limit: int = MOST,
        extra: Mapping[str, Any] | None = None,
        **filters: Unpack[AssetFilters],
    ) -> Iterator[Asset]:
        """Every asset that passes the filters, asked for page by page as it is read.

        By the portal's cursors where it has them, else by page numbers. Without `order_by` the oldest
        comes first, so that no asset is missed while others are added. Lists lag behind a change by
        some seconds.

        Args:
            limit: assets asked for at once, at most 1000.
            extra: further parameters, in Bynder's own names.
            filters: see `AssetFilters`.
        """
        size = max(1, min(page_size(extra, limit) or limit, MOST))
        query = {"orderBy": STEADY} | _query(filters, extra) | {"limit": str(size)}
        ids = filters.get("ids")
        if ids is None:
            yield from self._walk(query, size)
            return
        for lot in batches(ids):
            yield from self._walk(query | fields({"ids": lot}), size)

    @action()
    def page(
        self,
        *,
        page: int = 1,
        limit: int = 50,
        total: bool = False,
        count: bool = False,
        extra: Mapping[str, Any] | None = None,
        **filters: Unpack[AssetFilters],
    ) -> AssetPage:
        """One page of the assets that pass the filters; with how many there are, if asked.

        Args:
            page: its number, from 1.
            limit: assets on a page, at most 1000.
            total: with how many there are on all pages.
            count: with how many there are of each type, orientation, tag, …; includes the total.
            extra: further parameters, in Bynder's own names.
            filters: see `AssetFilters`.
        """
        ids = filters.get("ids")
        if ids is not None and not ids:
            return AssetPage(assets=())  # as a parameter, no ids would mean all
        totals = (
            {"count": True} if count else {"total": total or None}
        )  # the portal's one overrides the other
        return self._ask(fields({"page": page, "limit": limit, **totals}) | _query(filters, extra))

    @action()
    def trash(
        self,
        *,
        date_removed_from: datetime | None = None,
        date_removed: datetime | None = None,
        field: str | None = None,
        order: str | None = None,
        limit: int = 10,
        extra: Mapping[str, Any] | None = None,
    ) -> Iterator[TrashedAsset]:
        """Assets removed in the last 30 days, asked for page by page. The API restores none of them.

        Args:
            date_removed_from: removed from it on; together with `date_removed`.
            date_removed: removed up to it.
            field: to order by: `media.dateCreated`, `media.dateRemoved`, `media.name` or
                `media.username`.
            order: `asc` or `desc`.
            limit: assets asked for at once; the most the portal gives is not published.
            extra: further parameters, in Bynder's own names.
        """
        query = fields(named(locals()), extra)
        page_size(extra, limit)

        def ask(page: int) -> Page[TrashedAsset]:
            answer = get_body(
                self._client, "/api/trash/media", expect_records, **(query | {"page": str(page)})
            )
            return Page(items=tuple(map(TrashedAsset.read, answer)))

        return walk(ask, 1)  # to an empty page: the portal may give fewer at once than we ask for

    def _ask(self, query: Mapping[str, str]) -> AssetPage:
        return read_again(lambda: self._client.get(PATH, params=query), _page_of)

    def _walk(self, query: Mapping[str, str], size: int) -> Iterator[Asset]:
        """All pages: the first one asks for neither a page nor a total, as cursors want it."""
        first = self._ask(query)
        yield from first.assets
        if first.cursor:
            yield from self._by_cursor(query, first)
        elif len(first.assets) >= size:
            yield from self._by_number(query, size)

    def _by_cursor(self, query: Mapping[str, str], page: AssetPage) -> Iterator[Asset]:
        before = None
        while page.cursor and page.assets and page.cursor != before:
            before = page.cursor
            page = self._ask({**query, "cursor": before})
            yield from page.assets

    def _by_number(self, query: Mapping[str, str], size: int) -> Iterator[Asset]:
        number, full = 2, True
        while full:
            assets = self._ask({**query, "page": str(number)}).assets
            yield from assets
            number, full = number + 1, len(assets) >= size


def _page_of(response: httpx.Response) -> AssetPage:
    return AssetPage.read(read_body(response, expect_page("media")), response.headers.get(CURSOR) or None)


def _query(filters: AssetFilters, extra: Mapping[str, Any] | None) -> dict[str, str]:
    """The parameters of a list; a switch that is off, as all are by default, is not sent."""
    given = typed(AssetFilters, filters)
    given |= {name: given.get(name) or None for name in ("includeMediaItems", "includeVersionNumber")}
    properties = given.pop("properties", None) or {}
    return fields(given | {f"property_{name}": value for name, value in properties.items()}, extra)
