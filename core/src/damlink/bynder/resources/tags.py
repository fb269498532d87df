"""Tags, and the assets that have them.

Source: the official clients and the titles of Bynder's reference site; its definitions have no tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_records, get_body
from damlink.bynder._fields import bynder_names, fields, page_size
from damlink.bynder._listing import Listing, Records
from damlink.bynder._pages import Page, walk
from damlink.bynder._request import segment
from damlink.bynder.records.collections import Tag
from damlink.bynder.resources.members import put_assets, take_assets
from damlink.bynder.resources.resource import Resource

__all__ = ["TagFilters", "Tags"]

PATH: Final = "/api/v4/tags/"
# Assumed: the same maximum as for assets.
MOST: Final = 1000


class TagFilters(TypedDict, total=False):
    """Filters and order of a list of tags.

    Args:
        keyword: only tags that contain this text.
        min_count: only tags of at least this number of assets.
        order_by: `tag` or `mediaCount`, then `asc` or `desc`.
    """

    keyword: str | None
    min_count: int | None
    order_by: str | None


class Tags(Resource):
    """Tags. Bynder creates a tag with the first asset that has it; no call does.

    Example:
        for tag in portal.tags.list(keyword="sea"):
            print(tag.name)
    """

    @action()
    def list(
        self,
        *,
        limit: int = MOST,
        extra: Mapping[str, Any] | None = None,
        **filters: Unpack[TagFilters],
    ) -> Listing[Tag]:
        """List tags page by page.

        Args:
            limit: tags in each request.
            extra: more parameters, by Bynder's own names.
            filters: see `TagFilters`.
        """
        page_size(extra, limit)

        def ask(page: int) -> Page[Tag]:
            return Page(items=tuple(self.page(page=page, limit=limit, extra=extra, **filters)))

        # The maximum size of a page is not published, so only an empty page ends the list.
        return walk(ask, 1)

    @action()
    def page(
        self,
        *,
        page: int = 1,
        limit: int = 50,
        extra: Mapping[str, Any] | None = None,
        **filters: Unpack[TagFilters],
    ) -> Records[Tag]:
        """Get one page of tags.

        Args:
            page: number of the page, counted from 1.
            limit: tags on a page.
            extra: more parameters, by Bynder's own names.
            filters: see `TagFilters`.
        """
        query = {"page": page, "limit": limit, **bynder_names(filters)}
        # Only this resource writes the parameter in lower case.
        query["mincount"] = query.pop("minCount", None)
        answer = get_body(self._client, PATH, expect_records, **fields(query, extra))
        return Records(map(Tag.read, answer), is_whole=False)

    @action()
    def add(self, id: str, *, asset_ids: Sequence[str]) -> None:
        """Add a tag to assets. Safe to repeat.

        Args:
            id: of the tag.
            asset_ids: of the assets.
        """
        put_assets(self._client, f"{PATH}{segment(id)}/media/", asset_ids)

    @action()
    def remove(self, id: str, *, asset_ids: Sequence[str]) -> None:
        """Remove a tag from assets.

        Args:
            id: of the tag.
            asset_ids: of the assets.
        """
        take_assets(self._client, f"{PATH}{segment(id)}/media/", asset_ids)
