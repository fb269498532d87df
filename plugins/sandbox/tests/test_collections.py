from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

PATH = "/api/v4/collections"


def _made(client: Any, name: str, **fields: str) -> str:
    answer = client.portal.post(PATH, data={"name": name, **fields})
    return str(answer.headers["location"]).rstrip("/").rpartition("/")[2]


def _listed(client: Any, **query: str) -> list[str]:
    return [one["name"] for one in client.portal.get(f"{PATH}/", params=query).json()]


def test_collection_when_created_is_named_by_its_location_only(shared: Any) -> None:
    answer = shared.portal.post(f"{PATH}/", data={"name": "Summer", "description": "D"})
    shown = shared.portal.get(answer.headers["location"]).json()
    assert (answer.status_code, answer.json()) == (201, {"message": "Created", "statuscode": 201})
    assert (shown["name"], shown["description"], "id" in shown) == ("Summer", "D", False)
    assert re.fullmatch(r"[A-Z][a-z]+, \d\d \d{4} \d\d:\d\d:\d\d \+0000", shown["dateCreated"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"orderBy": "name asc"}, ["A", "B", "C"]),
        ({"orderBy": "dateCreated asc"}, ["B", "A", "C"]),
        ({"orderBy": "name asc", "limit": "2", "page": "2"}, ["C"]),
        ({"isPublic": "true"}, ["C"]),
        ({"minCount": "1"}, ["C"]),
        ({"keyword": "about b"}, ["B"]),
    ],
    ids=str,
)
def test_collections_when_filtered_hold_what_meets_it(
    client: Any, query: dict[str, str], found: list[str]
) -> None:
    ids = []
    for name in "BAC":
        ids.append(_made(client, name, description=f"about {name}"))
        client.advance(1)
    media_id = client.control("add_asset")["id"]
    client.portal.post(f"{PATH}/{ids[2]}", data={"isPublic": "1"})
    client.portal.post(f"{PATH}/{ids[2]}/media", data={"data": json.dumps([media_id])})
    assert _listed(client, **query) == found


def test_collections_when_counted_or_asked_by_ids_have_the_other_shape(client: Any) -> None:
    ids = [_made(client, name) for name in "AB"]
    answer = client.portal.get(PATH, params={"count": "true", "limit": "1"}).json()
    assert (answer["count"], len(answer["collections"])) == (2, 1)
    assert _listed(client, ids=ids[0].lower()) == ["A"]


@pytest.mark.parametrize("query", [{"orderBy": "size asc"}, {"limit": "x"}, {"minCount": "-1"}])
def test_collections_when_a_parameter_is_wrong_are_refused(shared: Any, query: dict[str, str]) -> None:
    answer = shared.portal.get(PATH, params=query)
    assert (answer.status_code, answer.json()["statuscode"]) == (400, 400)


@pytest.mark.parametrize(("capital", "key"), [(False, "isPublic"), (True, "IsPublic")])
def test_collections_when_the_portal_has_it_so_spell_and_date_otherwise(
    client: Any, capital: bool, key: str
) -> None:
    client.control("settings", capital_is_public=capital, legacy_collection_dates=not capital)
    _made(client, "A")
    shown = client.portal.get(PATH).json()[0]
    assert [name for name in shown if name.lower() == "ispublic"] == [key]
    assert shown["dateCreated"].endswith("Z" if capital else "+0000")


def test_collection_when_media_come_and_go_has_each_once(shared: Any) -> None:
    key, (one, other) = _made(shared, "A"), shared.control("add_asset", times=2)["ids"]
    path = f"{PATH}/{key}/media"
    data = json.dumps([one, other, one.lower(), "0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6"])
    added = shared.portal.post(path, data={"data": data})
    held = shared.portal.get(f"{path}/").json()
    removed = shared.portal.delete(f"{path}/", params={"deleteIds": f"{other},x"}).status_code
    assert (added.status_code, added.json()) == (202, {"message": "Accepted", "statuscode": 202})
    assert (held, removed, shared.portal.get(path).json()) == ([one, other], 204, [one])


def test_collection_when_modified_shows_the_cover_that_was_chosen(client: Any) -> None:
    key, ids = _made(client, "A"), client.control("add_asset", times=4)["ids"]
    client.portal.post(f"{PATH}/{key}/media", data={"data": json.dumps(ids)})
    fields = {"name": "B", "thumbnailAssetId": ids[3]}
    answer = client.portal.post(f"{PATH}/{key}/", data=fields)
    empty = client.portal.post(f"{PATH}/{key}", data={"name": ""})
    shown = client.portal.get(PATH).json()[0]
    thumbnails = client.portal.get(f"/api/v4/media/{ids[3]}").json()["thumbnails"]
    assert (answer.status_code, shown["name"], shown["collectionCount"]) == (201, "B", 4)
    assert (shown["cover"]["large"], len(shown["cover"]["thumbnails"])) == (thumbnails["webimage"], 3)
    assert empty.json() == {"message": "Collection name can't be empty", "statuscode": 400}


def test_collection_when_deleted_is_not_found_anywhere(shared: Any) -> None:
    path = f"{PATH}/{_made(shared, 'A')}"
    codes = [shared.portal.delete(path).status_code for _ in range(2)]
    answers = [
        shared.portal.get(path),
        shared.portal.get(f"{path}/media"),
        shared.portal.post(f"{path}/share"),
    ]
    assert codes == [204, 404]
    assert [one.json() for one in answers] == [{"message": "Collection not found", "statuscode": 404}] * 3


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"collectionOptions": "view", "recipients": "a@b.example"}, 202),
        ({"collectionOptions": "readOnly", "groups": "X", "loginRequired": "true"}, 202),
        ({"collectionOptions": "edit", "profiles": "X", "dateEnd": "2027-01-01T00:00:00Z"}, 202),
        ({"collectionOptions": "view", "recipients": ""}, 400),
        ({"collectionOptions": "own", "recipients": "a@b.example"}, 400),
        ({"collectionOptions": "view", "recipients": "a@b.example", "dateStart": "soon"}, 400),
    ],
    ids=str,
)
def test_collection_when_shared_wants_rights_and_somebody(
    shared: Any, fields: dict[str, str], status: int
) -> None:
    answer: httpx.Response = shared.portal.post(f"{PATH}/{_made(shared, 'A')}/share", data=fields)
    assert answer.status_code == status
    assert status == 400 or answer.json() == {"message": "accepted", "statuscode": 202}


def test_collection_when_roles_are_missing_is_denied(client: Any) -> None:
    key = _made(client, "A")
    client.control("roles", roles=["COLLECTIONS"])
    answers = [
        client.portal.get(PATH),
        client.portal.post(f"{PATH}/{key}", data={"isPublic": "1"}),
        client.portal.post(f"{PATH}/{key}/share", data={"recipients": "a@b.example"}),
    ]
    assert [one.status_code for one in answers] == [403, 403, 403]
    assert client.portal.post(f"{PATH}/{key}", data={"name": "B"}).status_code == 201
