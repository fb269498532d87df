"""Analytics: what users did, and reports of assets.

Source: Bynder's published definition of analytics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypedDict, TypeVar, Unpack

import httpx

from damlink._content import Content
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body, read_again, read_body
from damlink.bynder._fields import fields
from damlink.bynder._listing import Listing
from damlink.bynder._pages import Page, walk_cursors
from damlink.bynder._request import segment
from damlink.bynder.records.analytics import (
    AnalyticsEvent,
    AssetEvent,
    AssetReport,
    CollectionEvent,
    KeywordEvent,
    SearchEvent,
)
from damlink.bynder.resources.resource import Resource

__all__ = ["Analytics", "Period"]

PATH: Final = "/v7/analytics/api"
CSV: Final = "text/csv"
# Maximum number of events on a page.
MOST: Final = 10_000

T = TypeVar("T")


class Period(TypedDict, total=False):
    """Period of events, and the size of the requests for them.

    Args:
        since: only events after this moment.
        until: only events before this moment; needs `since`.
        limit: events in each request, 1000 by default; more than 10000 are got in several.
    """

    since: datetime
    until: datetime
    limit: int


class Analytics(Resource):
    """Analytics: what users did, and reports of assets. Lists are read to their end, page by page.

    Example:
        for event in portal.analytics.asset_downloads(limit=100):
            print(event.asset_id)
    """

    @action()
    def asset_views(self, **period: Unpack[Period]) -> Listing[AssetEvent]:
        """List the views of assets."""
        return self._walk("v2/asset/views", AssetEvent.read, period)

    @action()
    def asset_views_v1(self, **period: Unpack[Period]) -> Listing[AssetEvent]:
        """List the views of assets with name and type of each; Bynder will end this call."""
        return self._walk("v1/asset/view", AssetEvent.read, period)

    @action()
    def asset_downloads(self, **period: Unpack[Period]) -> Listing[AssetEvent]:
        """List the downloads of assets since November 2023, with the reasons that users gave."""
        return self._walk("v1/asset/v2/download", AssetEvent.read, period)

    @action()
    def asset_downloads_v1(self, **period: Unpack[Period]) -> Listing[AssetEvent]:
        """List the downloads of assets with name and type of each, also those before November 2023."""
        return self._walk("v1/asset/download", AssetEvent.read, period)

    @action()
    def asset_creations(self, **period: Unpack[Period]) -> Listing[AssetEvent]:
        """List the creations of assets."""
        return self._walk("v1/asset/create", AssetEvent.read, period)

    @action()
    def asset_archivals(self, **period: Unpack[Period]) -> Listing[AssetEvent]:
        """List the archivals of assets."""
        return self._walk("v1/asset/archive", AssetEvent.read, period)

    @action()
    def asset_removals(self, **period: Unpack[Period]) -> Listing[AssetEvent]:
        """List the removals of assets."""
        return self._walk("v1/asset/remove", AssetEvent.read, period)

    @action()
    def of_asset(self, id: str, **period: Unpack[Period]) -> Listing[AssetEvent]:
        """List everything that users did with one asset.

        Args:
            id: of the asset.
        """
        return self._walk(f"v1/asset/{segment(id)}", AssetEvent.read, period)

    @action()
    def of_user(self, id: str, **period: Unpack[Period]) -> Listing[AssetEvent]:
        """List everything that one user did; of a sign-in the fields of the asset are empty.

        Args:
            id: of the user.
        """
        return self._walk(f"v1/user/{segment(id)}", AssetEvent.read, period)

    @action()
    def logins(self, **period: Unpack[Period]) -> Listing[AnalyticsEvent]:
        """List the sign-ins of users."""
        return self._walk("v1/user/login", AnalyticsEvent.read, period)

    @action()
    def searches(self, **period: Unpack[Period]) -> Listing[SearchEvent]:
        """List the searches, with terms and filters."""
        return self._walk("v1/search/executions", SearchEvent.read, period)

    @action()
    def search_keywords(self, **period: Unpack[Period]) -> Listing[KeywordEvent]:
        """List the searches for keywords; Bynder advises `searches` instead."""
        return self._walk("v1/search/keyword", KeywordEvent.read, period)

    @action()
    def collection_views(self, **period: Unpack[Period]) -> Listing[CollectionEvent]:
        """List the views of collections."""
        return self._walk("v1/collection/views", CollectionEvent.read, period)

    @action()
    def search_keywords_csv(self, *, cursor: str | None = None, **period: Unpack[Period]) -> Content:
        """Read one page of the searches for keywords as CSV; `search_keywords` reads all pages.

        Args:
            cursor: start of the page, from the header `Next-Cursor` of the answer before.
        """
        return self._csv("v1/search/keyword.csv", _query(period, cursor))

    @action()
    def collection_views_csv(self, *, cursor: str | None = None, **period: Unpack[Period]) -> Content:
        """Read one page of the views of collections as CSV; `collection_views` reads all pages.

        Args:
            cursor: start of the page, from the header `Next-Cursor` of the answer before.
        """
        return self._csv("v1/collection/views.csv", _query(period, cursor))

    @action()
    def historical_csv(self, *, year: int) -> Content:
        """Read the events of one year as CSV, also those that are no longer listed.

        Args:
            year: such as 2022.
        """
        return self._csv(f"v1/historical/{year}.csv", {})

    @action()
    def asset_reports(
        self,
        *,
        created_since: datetime | None = None,
        created_until: datetime | None = None,
        modified_since: datetime | None = None,
        modified_until: datetime | None = None,
        limit: int | None = None,
    ) -> Listing[AssetReport]:
        """List reports of all assets, also of removed ones.

        Args:
            created_since: only assets created after this moment.
            created_until: only assets created before this moment; needs `created_since`.
            modified_since: only assets changed after this moment.
            modified_until: only assets changed before this moment; needs `modified_since`.
            limit: reports in each request, 1000 by default; more than 10000 are got in several.
        """
        query = {
            "fromDateCreated": created_since,
            "toDateCreated": created_until,
            "fromDateModified": modified_since,
            "toDateModified": modified_until,
            "limit": _page_size(limit),
        }
        return walk_cursors(
            lambda cursor: self._page(
                "v1/report/asset", AssetReport.read, fields({**query, "cursor": cursor})
            )
        )

    @action()
    def asset_report(self, id: str) -> AssetReport:
        """Get the report of one asset.

        Args:
            id: of the asset.
        """
        return AssetReport.read(
            get_body(self._client, f"{PATH}/v1/report/asset/{segment(id)}", expect_object)
        )

    def _walk(self, path: str, read: Callable[[Mapping[str, Any]], T], period: Period) -> Listing[T]:
        return walk_cursors(lambda cursor: self._page(path, read, _query(period, cursor)))

    def _page(self, path: str, read: Callable[[Mapping[str, Any]], T], query: Mapping[str, str]) -> Page[T]:
        def read_page(response: httpx.Response) -> Page[T]:
            items = tuple(map(read, read_body(response, expect_records)))
            return Page(items=items, next_cursor=response.headers.get("Next-Cursor") or None)

        return read_again(lambda: self._client.get(f"{PATH}/{path}", params=query), read_page)

    def _csv(self, path: str, query: Mapping[str, str]) -> Content:
        url = httpx.URL(f"{PATH}/{path}", params=query) if query else f"{PATH}/{path}"
        return self._client.content(str(url), path.rpartition("/")[2], CSV)


def _query(period: Period, cursor: str | None) -> dict[str, str]:
    return fields(
        {
            "fromDateTime": period.get("since"),
            "toDateTime": period.get("until"),
            "limit": _page_size(period.get("limit")),
            "cursor": cursor,
        }
    )


def _page_size(limit: int | None) -> int | None:
    return None if limit is None else max(1, min(limit, MOST))
