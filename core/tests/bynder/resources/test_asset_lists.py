from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from damlink import Portal
from damlink_sandbox import Sandbox


@pytest.fixture
def scripted(server: Any, hurried: None) -> Iterator[Portal]:
    """A portal whose answers the test scripts."""
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        yield portal


def media(*ids: str) -> bytes:
    return json.dumps([{"id": each} for each in ids]).encode()


def queries(server: Any) -> list[dict[str, str]]:
    asked = (parse_qs(urlsplit(each.path).query) for each in server.asked)
    return [{name: values[0] for name, values in query.items()} for query in asked]


def found(portal: Portal, **filters: Any) -> list[str]:
    return [asset.id for asset in portal.assets.list(**filters)]


def test_list_when_a_page_is_short_asks_for_no_more(scripted: Portal, server: Any) -> None:
    server.then(200, media("a", "b")).then(200, media("c"))
    assert found(scripted, limit=2) == ["a", "b", "c"]
    assert queries(server) == [
        {"limit": "2", "orderBy": "dateCreated asc"},
        {"limit": "2", "orderBy": "dateCreated asc", "page": "2"},
    ]


def test_list_when_a_name_is_half_an_emoji_reads_the_others(scripted: Portal, server: Any) -> None:
    server.then(200, rb'[{"id": "a", "name": "A"}, {"id": "b", "name": "B\ud83d"}, {"id": "c"}]')
    assets = list(scripted.assets.list())
    assert [asset.id for asset in assets] == ["a", "b", "c"]
    assert assets[1].name == "B\N{REPLACEMENT CHARACTER}"


def test_list_when_the_last_page_is_full_stops_at_the_empty_one(scripted: Portal, server: Any) -> None:
    server.then(200, media("a", "b")).then(200, media("c", "d")).always(200, b"[]")
    assert found(scripted, limit=2) == ["a", "b", "c", "d"]
    assert [query.get("page") for query in queries(server)] == [None, "2", "3"]


def test_list_when_the_portal_has_cursors_follows_them_to_the_last(scripted: Portal, server: Any) -> None:
    for cursor, ids in (("c1", ("a", "b")), ("c2/+=", ("c",)), (None, ("d", "e"))):
        server.then(200, media(*ids), headers={"X-Bynder-NextCursor": cursor} if cursor else {})
    assert found(scripted, limit=2, order_by="name asc") == ["a", "b", "c", "d", "e"]
    assert [query.get("cursor") for query in queries(server)] == [None, "c1", "c2/+="]
    assert all("page" not in query and query["orderBy"] == "name asc" for query in queries(server))


@pytest.mark.parametrize("last", [media(), media("b")], ids=["empty", "again"])
def test_list_when_a_cursor_never_ends_stops_all_the_same(scripted: Portal, server: Any, last: bytes) -> None:
    ends = {"X-Bynder-NextCursor": "c"}
    server.then(200, media("a"), headers=ends).always(200, last, headers=ends)
    assert found(scripted, limit=1)[0] == "a"
    assert len(server.asked) == 2


def test_list_when_cursors_go_in_a_circle_ends(scripted: Portal, server: Any) -> None:
    for cursor, asset in (("c1", "a"), ("c2", "b"), ("c1", "c")):
        server.then(200, media(asset), headers={"X-Bynder-NextCursor": cursor})
    assert found(scripted, limit=1) == ["a", "b", "c"]
    assert len(server.asked) == 3


def test_list_when_the_portal_knows_no_pages_ends(scripted: Portal, server: Any) -> None:
    server.always(200, media("a", "b"))
    assert found(scripted, limit=2) == ["a", "b"]
    assert len(server.asked) == 2


def test_list_when_only_begun_asks_for_one_page(scripted: Portal, server: Any) -> None:
    server.always(200, media("a", "b"))
    assert next(scripted.assets.list(limit=2)).id == "a"
    assert len(server.asked) == 1


def test_list_when_filtered_asks_in_bynders_own_words(scripted: Portal, server: Any) -> None:
    server.always(200, b"[]")
    day = datetime(2024, 1, 2, tzinfo=UTC)
    filters = {
        "keyword": "sea",
        "tags": ["a", "b"],
        "type": ["image", "video"],
        "orientation": "square",
        "brand_id": "B",
        "sub_brand_id": "S",
        "category_id": "C",
        "collection_id": "L",
        "property_option_id": ["o", "p"],
        "properties": {"Sub-Type": "x"},
        "date_created": day,
        "date_created_to": day,
        "date_created_on": day,
        "date_modified": day,
        "date_modified_to": day,
        "date_modified_on": day,
        "is_public": True,
        "limited": False,
        "archive": True,
        "include_media_items": True,
        "include_version_number": True,
        "extra": {"includeOther": 1},
    }
    assert found(scripted, limit=5000, **filters) == []
    moments = {
        f"date{what}{end}": "2024-01-02T00:00:00Z"
        for what in ("Created", "Modified")
        for end in ("", "To", "On")
    }
    assert queries(server) == [
        {
            "keyword": "sea",
            "tags": "a,b",
            "type": "image,video",
            "orientation": "square",
            "brandId": "B",
            "subBrandId": "S",
            "categoryId": "C",
            "collectionId": "L",
            "propertyOptionId": "o,p",
            "property_Sub-Type": "x",
            "isPublic": "true",
            "limited": "false",
            "archive": "true",
            "includeMediaItems": "true",
            "includeVersionNumber": "true",
            "includeOther": "1",
            "limit": "1000",
            "orderBy": "dateCreated asc",
            **moments,
        }
    ]


def test_list_when_many_ids_are_asked_for_asks_in_lots(scripted: Portal, server: Any) -> None:
    server.serve(lambda asked: server.reply(200, media(*queries(server)[-1]["ids"].split(","))))
    every = [f"id-{number}" for number in range(230)]
    assert found(scripted, ids=every) == every
    assert len(server.asked) == 3


def test_list_when_no_ids_are_asked_for_asks_nothing(scripted: Portal, server: Any) -> None:
    assert found(scripted, ids=[]) == []
    assert scripted.assets.page(ids=[]).assets == ()
    assert server.asked == []


def test_list_when_a_filter_is_unknown_asks_nothing(scripted: Portal, server: Any) -> None:
    for ask in (scripted.assets.page, lambda **filters: next(scripted.assets.list(**filters))):
        with pytest.raises(TypeError, match="unexpected argument 'tag'"):
            ask(tag="sea")  # type: ignore[call-arg]
    assert server.asked == []


def test_page_when_counted_overrides_the_total(scripted: Portal, server: Any) -> None:
    server.always(200, b'{"count": {"total": 3}, "media": []}')
    assert scripted.assets.page(page=2, total=True, count=True).total == 3
    assert queries(server) == [{"page": "2", "limit": "50", "count": "true"}]


# --- against the sandbox ---------------------------------------------------------------------------


@pytest.mark.parametrize("cursors", [False, True], ids=["pages", "cursors"])
def test_list_when_walked_in_small_pages_finds_each_asset_once(
    portal: Portal, control: Callable[..., Any], tag: str, cursors: bool
) -> None:
    made = control("add_asset", tags=[tag], times=7)["ids"]
    control("settings", solr_cursor=cursors)
    try:
        assert sorted(found(portal, tags=[tag], limit=3)) == sorted(made)
    finally:
        control("settings", solr_cursor=False)


def test_page_when_asked_for_totals_has_them(portal: Portal, control: Callable[..., Any], tag: str) -> None:
    control("add_asset", tags=[tag], times=5)
    plain, total, count = (
        portal.assets.page(tags=[tag], limit=2, **more)  # type: ignore[arg-type]
        for more in ({}, {"total": True}, {"count": True, "total": True})
    )
    assert [len(page.assets) for page in (plain, total, count)] == [2, 2, 2]
    assert [page.total for page in (plain, total, count)] == [None, 5, 5]
    assert total.count is None
    assert count.count is not None
    assert count.count["type"] == {"image": 5}


def test_list_when_filtered_by_a_metaproperty_finds_its_assets(
    portal: Portal, control: Callable[..., Any], tag: str
) -> None:
    control("metaproperty", name=f"listed_{tag[4:]}", type="select", options=["Spain", "Italy"])
    spain, italy = control("add_asset", tags=[tag], times=2)["ids"]
    for asset_id, country in ((spain, "Spain"), (italy, "Italy")):
        portal.assets.modify(asset_id, metaproperties={f"listed_{tag[4:]}": country})
    assert found(portal, properties={f"listed_{tag[4:]}": "Spain"}) == [spain]


def test_list_when_with_items_and_version_tells_them(
    portal: Portal, control: Callable[..., Any], tag: str
) -> None:
    control("add_asset", tags=[tag], text="x")
    (asset,) = portal.assets.list(tags=[tag], include_media_items=True, include_version_number=True)
    assert asset.items
    assert asset.raw["activeVersion"] == 1


def test_trash_when_assets_were_deleted_lists_them_all(
    portal: Portal, control: Callable[..., Any], sandbox: Sandbox
) -> None:
    gone = control("add_asset", times=5, name="Gone")["ids"]
    for asset_id in gone:
        portal.assets.delete(asset_id)
    found_names = {each.id: each.name for each in portal.assets.trash(limit=2)}
    assert {each: found_names[each] for each in gone} == {each: f"Gone {n}" for n, each in enumerate(gone, 1)}
