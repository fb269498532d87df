from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from damlink import Portal

THEN = datetime(2031, 1, 1, tzinfo=UTC)
LATER = datetime(2031, 1, 31, tzinfo=UTC)


@pytest.fixture
def asset(control: Callable[..., Any]) -> str:
    return str(control("add_asset", name="Beach", filename="beach.jpg")["id"])


def test_views_when_walked_in_pages_each_come_once(
    portal: Portal, control: Callable[..., Any], asset: str
) -> None:
    control("add_event", event="view", id=asset, date="2031-01-02T00:00:00Z", times=5)
    control("add_event", event="view", id=asset, date="2031-02-02T00:00:00Z")
    found = list(portal.analytics.asset_views(since=THEN, until=LATER, limit=2))
    assert {(event.asset_id, event.type) for event in found} == {(asset, "AssetViewed")}
    assert len({event.id for event in found}) == len(found) == 5


def test_events_of_an_asset_when_read_have_their_kinds(
    portal: Portal, control: Callable[..., Any], asset: str
) -> None:
    for event in ("create", "view", "download"):
        control("add_event", event=event, id=asset)
    found = list(portal.analytics.of_asset(asset))
    assert [event.type for event in found] == ["asset.create", "asset.view", "asset.download"]
    assert {(event.asset_name, event.file_name) for event in found} == {("Beach", f"{asset}___Beach")}


def test_searches_when_read_have_terms_and_results(portal: Portal, control: Callable[..., Any]) -> None:
    control("add_event", event="search", keyword="lake", date="2032-01-02T00:00:00Z")
    since = datetime(2032, 1, 1, tzinfo=UTC)
    (search,), (keyword,) = (
        portal.analytics.searches(since=since),
        portal.analytics.search_keywords(since=since),
    )
    assert (search.terms, search.assets, search.sort_order["field"]) == (("lake",), 1, "datePublished")
    assert (keyword.keyword, keyword.total) == ("lake", 1)


def test_events_as_csv_when_read_are_lines(portal: Portal, control: Callable[..., Any]) -> None:
    control("add_event", event="collection", collection="C-1", date="2033-01-02T00:00:00Z")
    content = portal.analytics.collection_views_csv(since=datetime(2033, 1, 1, tzinfo=UTC), limit=10)
    head, line = b"".join(content.open()).decode().splitlines()
    assert head.startswith("eventId,collectionId,eventType")
    assert line.split(",")[1:3] == ["C-1", "CollectionViewed"]
    assert b"".join(portal.analytics.historical_csv(year=2033).open()).startswith(b"collection,2033-01-02")


def test_report_of_an_asset_when_read_is_that_of_the_list(portal: Portal, asset: str) -> None:
    portal.assets.modify(asset, description="Sand")
    found = portal.analytics.asset_report(asset)
    assert (found.name, found.description, found.is_removed) == ("Beach", "Sand", False)
    assert found in list(portal.analytics.asset_reports(limit=7))


@pytest.mark.parametrize(("limit", "sent"), [(0, "1"), (500, "500"), (50_000, "10000")])
def test_events_when_more_are_wanted_than_a_page_has_are_asked_for_in_pages(
    served: Portal, server: Any, limit: int, sent: str
) -> None:
    server.always(200, b"[]")
    assert (
        list(served.analytics.logins(limit=limit)) == list(served.analytics.asset_reports(limit=limit)) == []
    )
    assert [each.path.partition("?")[2] for each in server.asked] == [f"limit={sent}"] * 2
