"""Lists of assets: by filters, page by page, and of the trash.

Source: api.bynder.com, "Assets": list; "Trash".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

import httpx

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_page, expect_records, get_body, read_again, read_body
from damlink.bynder._fields import batches, bynder_names, fields, page_size
from damlink.bynder._listing import Listing, Pages
from damlink.bynder._pages import Page, walk
from damlink.bynder.records.assets import Asset, AssetPage, TrashedAsset
from damlink.bynder.resources.resource import Resource

__all__ = ["AssetFilters", "AssetLists"]

PATH: Final = "/api/v4/media/"
# Maximum number of assets on a page.
MOST: Final = 1000
CURSOR: Final = "X-Bynder-NextCursor"
# Pages in this order do not shift while assets are added.
STEADY: Final = "dateCreated asc"


class AssetFilters(TypedDict, total=False):
    """Filters of a list of assets, and the details that it contains.

    Args:
        ids: of assets; unknown ones are ignored, and an empty list of ids finds no assets.
        keyword: free text, searched for in file names, tags, extensions and more.
        tags: only assets with these tags.
        type: any of `image`, `document`, `audio`, `video`, `3d`.
        orientation: any of `square`, `portrait`, `landscape`.
        brand_id: of the brand.
        sub_brand_id: of the sub-brand.
        category_id: of a category.
        collection_id: of a collection.
        property_option_id: ids of options of metaproperties.
        properties: database name of a metaproperty and its value: the name of an option, ids of
            options separated by commas, or the text. Dates cannot be searched for.
        date_created: created after this moment; with `date_created_to`, not before it.
        date_created_to: created before this moment.
        date_created_on: created on this day.
        date_modified: modified after this moment; with `date_modified_to`, not before it.
        date_modified_to: modified before this moment.
        date_modified_on: modified on this day.
        is_public: only public assets.
        limited: only assets of limited usage.
        archive: only archived assets, which a list does not contain otherwise.
        order_by: one of `dateCreated`, `dateModified`, `datePublished`, `name`, then `asc` or `desc`.
        include_media_items: include the files of each asset.
        include_version_number: include the number of each asset's active version.
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


class AssetLists(Resource):
    """Lists of assets."""

    @action("List Assets")
    def list(
        self,
        *,
        limit: int = MOST,
        extra: Mapping[str, Any] | None = None,
        **filters: Unpack[AssetFilters],
    ) -> Listing[Asset]:
        """List assets page by page.

        Uses the portal's cursors if it has them, otherwise page numbers. Without `order_by` the oldest
        asset comes first, so that no asset is missed while others are added. A change appears in lists
        after some seconds.

        Args:
            limit: assets in each request, at most 1000.
            extra: more parameters, by Bynder's own names.
            filters: see `AssetFilters`.
        """
        size = max(1, min(page_size(extra, limit) or limit, MOST))
        query = {"orderBy": STEADY} | _query(filters, extra) | {"limit": str(size)}
        ids = filters.get("ids")
        lots = [query] if ids is None else [query | fields({"ids": lot}) for lot in batches(ids)]
        return Listing(
            (page for each in lots for page in self._pages(each, size)),
            lambda: _sum(self._count(each) for each in lots),
        )

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
        """Get one page of a list of assets, with the total number if requested.

        Args:
            page: number of the page, counted from 1.
            limit: assets on a page, at most 1000.
            total: include the number of assets on all pages.
            count: include the number of assets of each type, orientation, tag, …, and the total.
            extra: more parameters, by Bynder's own names.
            filters: see `AssetFilters`.
        """
        ids = filters.get("ids")
        if ids is not None and not ids:
            # The portal takes an empty parameter for no filter.
            return AssetPage(assets=())
        # The portal accepts only one of the two.
        totals = {"count": True} if count else {"total": total or None}
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
    ) -> Listing[TrashedAsset]:
        """List the assets removed in the last 30 days, page by page. The API cannot restore them.

        Args:
            date_removed_from: removed at this moment or later; requires `date_removed`.
            date_removed: removed at this moment or earlier.
            field: field to order by: `media.dateCreated`, `media.dateRemoved`, `media.name` or
                `media.username`.
            order: `asc` or `desc`.
            limit: assets in each request; Bynder does not publish the maximum.
            extra: more parameters, by Bynder's own names.
        """
        page_size(extra, limit)
        dates = {"dateRemovedFrom": date_removed_from, "dateRemoved": date_removed}
        query = fields({**dates, "field": field, "order": order, "limit": limit}, extra)

        def ask(page: int) -> Page[TrashedAsset]:
            answer = get_body(
                self._client, "/api/trash/media", expect_records, **(query | {"page": str(page)})
            )
            return Page(items=tuple(map(TrashedAsset.read, answer)))

        # The portal may send fewer records than requested, so only an empty page ends the list.
        return walk(ask, 1)

    def _ask(self, query: Mapping[str, str]) -> AssetPage:
        return read_again(lambda: self._client.get(PATH, params=query), _page_of)

    def _count(self, query: Mapping[str, str]) -> int | None:
        """Return the number of assets on all pages, if the portal tells it."""
        return self._ask({**query, **fields({"total": True, "limit": 1})}).total

    def _pages(self, query: Mapping[str, str], size: int) -> Pages[Asset]:
        """Request pages one after another. Cursors require a first request without page number and total."""
        first = self._ask(query)
        return self._by_cursor(query, first) if first.cursor else self._by_number(query, first, size)

    def _by_cursor(self, query: Mapping[str, str], page: AssetPage) -> Pages[Asset]:
        # A portal that repeats a cursor would otherwise never end the list.
        seen = {""}
        while page.cursor and page.assets and page.cursor not in seen:
            yield page, True
            seen.add(page.cursor)
            page = self._ask({**query, "cursor": page.cursor})
        yield page, False

    def _by_number(self, query: Mapping[str, str], page: AssetPage, size: int) -> Pages[Asset]:
        before: Sequence[Asset] = ()
        for number in itertools.count(2):
            # Nor would one that does not know pages.
            if len(page.assets) < size or page.assets == before:
                break
            yield page, True
            before = page.assets
            page = self._ask({**query, "page": str(number)})
        yield (AssetPage(assets=()) if page.assets == before else page), False


def _sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum of counts, unless one is not known."""
    known = [*counts]
    return None if None in known else sum(filter(None, known))


def _page_of(response: httpx.Response) -> AssetPage:
    return AssetPage.read(read_body(response, expect_page("media")), response.headers.get(CURSOR) or None)


def _query(filters: AssetFilters, extra: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the parameters of a list. An option that is off is not sent, since off is the default."""
    given = bynder_names(filters)
    given |= {name: given.get(name) or None for name in ("includeMediaItems", "includeVersionNumber")}
    properties = given.pop("properties", None) or {}
    return fields(given | {f"property_{name}": value for name, value in properties.items()}, extra)
