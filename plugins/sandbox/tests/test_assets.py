from __future__ import annotations

from itertools import chain
from typing import Any

import pytest


def test_list_when_index_lags_shows_a_new_asset_later(client: Any) -> None:
    client.control("lag", index=10)
    media_id = client.saved(name="Beach")
    by_id, early = client.portal.get(f"/api/v4/media/{media_id}").status_code, client.ids()
    client.advance(10)
    assert (by_id, early, client.ids()) == (200, [], [media_id])


def test_list_when_index_lags_shows_the_old_name_and_get_the_new(client: Any) -> None:
    media_id = client.saved(name="Beach")
    client.control("lag", index=10)
    answer = client.portal.post(f"/api/v4/media/{media_id}", data={"name": "Sea"})
    assert answer.json() == {"message": "Accepted", "statuscode": 202}
    assert client.portal.get("/api/v4/media").json()[0]["name"] == "Beach"
    assert client.portal.get(f"/api/v4/media/{media_id.lower()}").json()["name"] == "Sea"


def test_asset_when_shown_has_the_portals_own_types(client: Any) -> None:
    media_id = client.saved(name="Beach", isPublic="1")
    asset = client.portal.get(f"/api/v4/media/{media_id}/").json()
    assert (asset["isPublic"], asset["archive"], asset["extension"]) == (1, 0, ["jpg"])
    assert "tags" not in asset
    assert len(asset["dateCreated"]) == len("2023-09-26T12:42:21Z")


def test_list_when_counted_changes_its_shape(client: Any) -> None:
    client.control("add_asset", times=3, tags=["a"])
    client.advance(1)
    total = client.portal.get("/api/v4/media/", params={"total": "1", "limit": "2"}).json()
    count = client.portal.get("/api/v4/media/", params={"count": "1", "total": "1"}).json()
    assert (total["total"], len(total["media"])) == ({"count": 3}, 2)
    assert (count["count"]["total"], count["count"]["tags"]) == (3, {"a": 3})


def test_list_when_paged_gives_each_asset_once(client: Any) -> None:
    made = client.control("add_asset", times=5)["ids"]
    client.advance(1)
    pages = [client.ids(limit="2", page=page, orderBy="name asc") for page in "1234"]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert list(chain(*pages)) == made


@pytest.mark.parametrize(
    "query",
    [
        {"tags": "iStock,123"},
        {"keyword": "sea view"},
        {"type": "video,image"},
        {"dateCreated": "2026-01-01T00:00:00Z", "dateCreatedTo": "2026-03-01T00:00:00Z"},
        {"dateCreatedOn": "2026-02-01T00:00:00Z"},
        {"property_Source_Id": "S-1"},
        {"property_Country": "Spain"},
    ],
    ids=lambda query: next(iter(query)),
)
def test_list_when_filtered_holds_only_what_meets_it(client: Any, query: dict[str, str]) -> None:
    client.control("add_asset", filename="other.pdf", created="2025-01-01T00:00:00Z")
    made = client.control(
        "add_asset", name="Sea view", tags=["iStock", "123"], created="2026-02-01T10:00:00Z"
    )["id"]
    known = {one["name"]: one for one in client.portal.get("/api/v4/metaproperties").json().values()}
    country = known["Country"]["options"][3]["id"]
    fields = {known["Source_Id"]["id"]: "S-1", known["Country"]["id"]: country}
    client.portal.post(f"/api/v4/media/{made}", data={f"metaproperty.{key}": fields[key] for key in fields})
    client.advance(1)
    assert client.ids(**query) == [made]


def test_list_when_after_a_date_excludes_that_second(client: Any) -> None:
    client.control("add_asset", created="2026-02-01T10:00:00Z")
    client.advance(1)
    after = [client.ids(dateCreated=f"2026-02-01T{time}Z") for time in ("09:59:59", "10:00:00")]
    assert [len(found) for found in after] == [1, 0]


def test_delete_when_repeated_is_not_found_and_the_trash_has_it(client: Any) -> None:
    media_id = client.saved(name="Beach")
    codes = [client.portal.delete(f"/api/v4/media/{media_id}").status_code for _ in range(2)]
    trash = client.portal.get("/api/trash/media").json()
    assert codes == [204, 404]
    assert [(one["id"], one["name"]) for one in trash] == [(media_id, "Beach")]


def test_metaproperties_when_set_by_id_or_name_are_shown_by_name(client: Any) -> None:
    known = {one["name"]: one for one in client.portal.get("/api/v4/metaproperties/").json().values()}
    usage, source = known["Usage"], known["Source_Id"]
    chosen = f"{usage['options'][0]['id']},Web"
    media_id = client.saved(**{f"metaproperty.{usage['id']}": chosen, f"metaproperty.{source['id']}": "S-1"})
    asset = client.portal.get(f"/api/v4/media/{media_id}").json()
    assert (asset["property_Usage"], asset["property_Source_Id"]) == (["Print", "Web"], "S-1")
    client.portal.post(f"/api/v4/media/{media_id}", data={f"metaproperty.{source['id']}": ""})
    assert "property_Source_Id" not in client.portal.get(f"/api/v4/media/{media_id}").json()


def test_option_when_it_exists_answers_its_id(client: Any) -> None:
    country = client.portal.get("/api/v4/metaproperties").json()["Country"]
    path = f"/api/v4/metaproperties/{country['id']}/options/"
    made = client.portal.post(path, data={"data": '{"name": "Italy"}'})
    again = client.portal.post(path, data={"data": '{"name": "Italy"}'})
    listed = client.portal.get(path, params={"name": "Italy"}).json()
    assert (made.status_code, again.status_code) == (201, 400)
    assert made.json()["id"] == again.json()["existingUUID"] == listed[0]["id"]


def test_metaproperty_when_created_is_listed_by_name(client: Any) -> None:
    data = '{"name": "Product_Code", "label": "Product code", "type": "text"}'
    made = client.portal.post("/api/v4/metaproperties", data={"data": data}).json()
    bad = client.portal.post("/api/v4/metaproperties", data={"data": '{"name": "X", "type": "colour"}'})
    assert client.portal.get("/api/v4/metaproperties/").json()["Product_Code"]["id"] == made["id"]
    assert bad.json() == {"message": "Invalid metaproperty type", "statuscode": 400}
