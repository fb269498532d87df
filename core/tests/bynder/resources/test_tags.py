from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from damlink import Portal
from damlink.bynder import Tag
from damlink.errors import BynderError, UnclearError


def tagged(portal: Portal, tag: str) -> Tag:
    (found,) = (each for each in portal.tags.list(keyword=tag) if each.name == tag)
    return found


def test_tags_when_walked_in_small_pages_are_each_found_once(
    portal: Portal, control: Callable[..., Any], tag: str
) -> None:
    names = [f"{tag}-{letter}" for letter in "abcde"]
    control("add_asset", tags=names)
    control("add_asset", tags=names[:2])
    found = list(portal.tags.list(keyword=f"{tag}-", order_by="tag asc", limit=2))
    assert [(each.name, each.media_count) for each in found] == [*zip(names, [2, 2, 1, 1, 1], strict=True)]
    assert [each.name for each in portal.tags.list(keyword=f"{tag}-", min_count=2)] == names[:2]
    assert len(portal.tags.page(keyword=f"{tag}-", limit=3, page=2)) == 2


def test_tag_when_given_to_assets_and_taken_away_is_seen(
    portal: Portal, control: Callable[..., Any], tag: str
) -> None:
    first, *others = control("add_asset", times=3)["ids"]
    portal.assets.modify(first, tags=[tag])
    portal.tags.add(tagged(portal, tag).id, asset_ids=others)
    assert tagged(portal, tag).media_count == 3
    portal.tags.remove(tagged(portal, tag).id, asset_ids=[first, others[0]])
    assert [portal.assets.get(each).tags for each in (first, *others)] == [(), (), (tag,)]


def test_usage_when_told_is_listed_until_taken_back(portal: Portal, control: Callable[..., Any]) -> None:
    first, second = control("add_asset", times=2)["ids"]
    since = datetime(2030, 1, 2, tzinfo=UTC)
    told = portal.usage.create(
        integration_id="site", asset_id=first, uri="/home", additional="top", timestamp=since
    )
    portal.usage.create(integration_id="site", asset_id=second, uri="/home")
    assert portal.usage.list(asset_id=first) == [told]
    assert (told.asset_id, told.integration_id, told.uri) == (first, "site", "/home")
    assert (told.additional, told.timestamp) == ("top", since)
    portal.usage.delete(integration_id="site", asset_id=first, uri="/home")
    assert [each.asset_id for each in portal.usage.list(integration_id="site")] == [second]


def test_usage_when_synchronised_is_what_was_said(portal: Portal, control: Callable[..., Any]) -> None:
    old, new = control("add_asset", times=2)["ids"]
    portal.usage.create(integration_id="shop", asset_id=old, uri="/a")
    usages = [{"asset_id": new, "uri": "/a", "additional": "x"}, {"asset_id": "unknown", "uri": "/a"}]
    done = portal.usage.sync(integration_id="shop", uris=["/a"], usages=usages)
    assert [each.asset_id for each in done.new] == [new]
    assert [each["asset_id"] for each in done.removed] == [old]
    assert [each["asset_id"] for each in done.rejected] == ["unknown"]
    again = portal.usage.sync(integration_id="shop", uris=["/a"], usages=usages[:1])
    assert (len(again.accepted), again.new, again.removed) == (1, (), ())


def test_usage_when_refused_names_the_field(portal: Portal) -> None:
    with pytest.raises(BynderError, match="not found") as caught:
        portal.usage.create(integration_id="site", asset_id="unknown")
    assert caught.value.status == 400


def test_usage_when_the_answer_is_lost_is_not_told_again(server: Any, hurried: None) -> None:
    server.then(200, cut=-1)
    with Portal(server.url, httpx.Auth(), pace=None) as portal, pytest.raises(UnclearError):
        portal.usage.create(integration_id="site", asset_id="A1")
    assert len(server.asked) == 1


def test_brands_when_within_each_other_are_listed_with_theirs(
    portal: Portal, control: Callable[..., Any]
) -> None:
    main, sub = (each["id"] for each in control("brands", brands=["Main"], below={"Main": ["Sub"]}))
    assert [(each.id, each.name, each.parent_id) for each in portal.brands.list()] == [
        (main, "Main", None),
        (sub, "Sub", main),
    ]
    assert portal.brand_id("sub") == sub
