from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("query", [{"ids": "{a},UNKNOWN"}, {"keyword": "summer"}, {"collectionId": "{c}"}])
def test_list_when_asked_by_ids_or_collection_finds_its_assets(client: Any, query: dict[str, str]) -> None:
    one, _other = (client.control("add_asset", name=name)["id"] for name in ("One", "Other"))
    made = client.portal.post("/api/v4/collections", data={"name": "Summer pictures"})
    collection = made.headers["location"].rstrip("/").rpartition("/")[2]
    client.portal.post(f"/api/v4/collections/{collection}/media", data={"data": f'["{one}"]'})
    client.advance(1)
    assert client.ids(**{key: text.format(a=one, c=collection) for key, text in query.items()}) == [one]


@pytest.mark.parametrize("name", ["isPublic", "limited", "archive"])
def test_list_when_only_some_are_asked_for_holds_those(client: Any, name: str) -> None:
    plain, special = client.control("add_asset", times=2)["ids"]
    client.control("change_asset", id=special, **{name.replace("isPublic", "public"): True})
    client.advance(1)
    assert client.ids(**{name: "true"}) == [special]
    everything = {plain} if name == "archive" else {plain, special}
    assert set(client.ids(**{name: "0"})) == everything


def test_list_when_user_may_not_see_archived_has_none_of_them(client: Any) -> None:
    media_id = client.control("add_asset")["id"]
    client.control("change_asset", id=media_id, archive=True)
    client.advance(1)
    client.control("roles", roles=["MEDIAUPLOAD"])
    assert client.ids(archive="1") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"brandId": "{Main}"}, ["in Main", "in Sub"]),
        ({"subBrandId": "{Sub}"}, ["in Sub"]),
        ({"propertyOptionId": "{option}"}, ["in Main"]),
        ({"orientation": "square", "orderBy": "name asc"}, ["in Main", "in Sub"]),
        ({"type": "audio,3d"}, []),
        ({"tags": "", "type": ""}, ["in Main", "in Sub"]),
    ],
)
def test_list_when_filtered_by_id_holds_what_has_it(
    client: Any, query: dict[str, str], found: list[str]
) -> None:
    main, sub = client.control("brands", brands=["Main"], below={"Main": ["Sub"]})
    made = [
        client.control("add_asset", name=f"in {one['name']}", brand=one["id"])["id"] for one in (main, sub)
    ]
    country = client.portal.get("/api/v4/metaproperties").json()["Country"]
    option = country["options"][0]["id"]
    client.portal.post(f"/api/v4/media/{made[0]}", data={f"metaproperty.{country['id']}": option})
    client.advance(1)
    known = {"Main": main["id"], "Sub": sub["id"], "option": option}
    asked = {name: text.format(**known) for name, text in query.items()}
    assert sorted(one["name"] for one in client.portal.get("/api/v4/media", params=asked).json()) == found


def test_list_when_property_names_several_options_wants_all_of_them(client: Any) -> None:
    usage = client.portal.get("/api/v4/metaproperties").json()["Usage"]
    print_id, web_id, _ = (option["id"] for option in usage["options"])
    both, one = client.control("add_asset", times=2)["ids"]
    for media_id, value in ((both, f"{print_id},{web_id}"), (one, print_id)):
        client.portal.post(f"/api/v4/media/{media_id}", data={f"metaproperty.{usage['id']}": value})
    client.advance(1)
    assert client.ids(property_Usage=f"{print_id},{web_id}") == [both]
    assert set(client.ids(property_Usage="Print")) == {both, one}


def test_list_when_counted_has_facets_of_brands_types_and_options(client: Any) -> None:
    main, sub = client.control("brands", brands=["Main"], below={"Main": ["Sub"]})
    made = client.control("add_asset", brand=sub["id"], filename="a.mp4")["id"]
    country = client.portal.get("/api/v4/metaproperties").json()["Country"]
    client.portal.post(f"/api/v4/media/{made}", data={f"metaproperty.{country['id']}": "Spain"})
    client.advance(1)
    count = client.portal.get("/api/v4/media", params={"count": "true"}).json()["count"]
    assert (count["total"], count["type"], count["property_Country"]) == (1, {"video": 1}, {"Spain": 1})
    assert (count["brandId"], count["subBrandId"]) == ({main["id"]: 1}, {sub["id"]: 1})


@pytest.mark.parametrize("order", ["dateCreated asc", "dateModified desc", "name asc", "name desc"])
def test_list_when_walked_by_cursor_gives_each_asset_once_although_some_come(client: Any, order: str) -> None:
    client.control("settings", solr_cursor=True)
    made = client.control("add_asset", times=5)["ids"]
    client.advance(1)
    seen, query = [], {"limit": "2", "orderBy": order}
    for _ in range(4):
        answer = client.portal.get("/api/v4/media/", params=query)
        seen += [one["id"] for one in answer.json()]
        if "x-bynder-nextcursor" not in answer.headers:
            break
        query["cursor"] = answer.headers["x-bynder-nextcursor"]
        client.control("change_asset", id=seen[-1], description="changed behind the cursor")
    assert sorted(seen) == sorted(made)


@pytest.mark.parametrize("extra", ["page", "total", "count"])
def test_list_when_paged_or_counted_has_no_cursor(client: Any, extra: str) -> None:
    client.control("settings", solr_cursor=True)
    client.control("add_asset", times=3)
    client.advance(1)
    with_it = client.portal.get("/api/v4/media", params={"limit": "1", extra: "1"})
    without = client.portal.get("/api/v4/media", params={"limit": "1"})
    assert ("x-bynder-nextcursor" in with_it.headers, "x-bynder-nextcursor" in without.headers) == (
        False,
        True,
    )


def test_list_when_the_account_has_no_cursor_shows_none(client: Any) -> None:
    client.control("add_asset", times=3)
    client.advance(1)
    assert "x-bynder-nextcursor" not in client.portal.get("/api/v4/media", params={"limit": "1"}).headers


def test_list_when_media_items_and_versions_are_asked_for_adds_them(client: Any) -> None:
    media_id = client.control("add_asset", public=True)["id"]
    client.advance(1)
    query = {"includeMediaItems": "true", "includeVersionNumber": "true"}
    asset = client.portal.get("/api/v4/media", params=query).json()[0]
    kinds = [item["type"] for item in asset["mediaItems"]]
    assert (asset["id"], asset["activeVersion"], kinds) == (media_id, 1, ["original", *["web"] * 4])
    assert all(item["publicUrl"].startswith("http") for item in asset["mediaItems"])


@pytest.mark.parametrize(
    "query", [{"orderBy": "size asc"}, {"limit": "0"}, {"page": "x"}, {"dateCreated": "yesterday"}]
)
def test_list_when_a_parameter_is_malformed_is_refused(shared: Any, query: dict[str, str]) -> None:
    answer = shared.portal.get("/api/v4/media", params=query)
    assert (answer.status_code, answer.json()["statuscode"]) == (400, "400")
