from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

PATH = "/api/v4/metaproperties"


def _sent(client: Any, path: str, data: Any) -> httpx.Response:
    text = data if isinstance(data, str) else json.dumps(data)
    answer: httpx.Response = client.portal.post(f"{PATH}{path}", data={"data": text})
    return answer


def _country(client: Any) -> dict[str, Any]:
    shown: dict[str, Any] = client.portal.get(f"{PATH}/").json()["Country"]
    return shown


def test_list_when_options_are_not_wanted_leaves_them_out_and_flags_are_numbers(shared: Any) -> None:
    with_options = _country(shared)
    without = shared.portal.get(PATH, params={"options": "false"}).json()["Country"]
    assert ("options" in with_options, "options" in without) == (True, False)
    assert [with_options[name] for name in ("isMultiselect", "isEditable", "isRequired")] == [0, 1, 0]
    assert with_options["options"][0]["date"].endswith("+0000")


def test_list_when_ids_are_given_holds_those_that_exist(shared: Any) -> None:
    ids = f"{_country(shared)['id'].lower()},0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6"
    assert list(shared.portal.get(PATH, params={"ids": ids}).json()) == ["Country"]


def test_list_when_counted_by_type_counts_the_assets_of_that_type(client: Any) -> None:
    country = _country(client)
    for name in ("a.jpg", "b.mp4"):
        media_id = client.control("add_asset", filename=name)["id"]
        client.portal.post(f"/api/v4/media/{media_id}", data={f"metaproperty.{country['id']}": "Spain"})
    client.advance(1)
    path, spain = f"{PATH}/{country['id']}/", country["options"][3]["id"]
    counts = []
    for kind in ("image,video", "video"):
        shown = client.portal.get(path, params={"count": "true", "type": kind}).json()
        counts += [option["mediaCount"] for option in shown["options"] if option["id"] == spain]
    assert counts == [2, 1]


def test_metaproperty_when_unknown_is_not_found_with_a_numeric_code(shared: Any) -> None:
    path = f"{PATH}/0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6"
    answers = [
        shared.portal.get(path),
        shared.portal.delete(path),
        shared.portal.post(path, data={"data": "{}"}),
    ]
    assert [one.json() for one in answers] == [{"message": "Metaproperty not found", "statuscode": 404}] * 3


def test_metaproperty_when_modified_keeps_its_name(client: Any) -> None:
    country = _country(client)
    change = {"name": "Land", "label": "Land", "type": "select2", "isMultiselect": True, "zindex": 7}
    answer = _sent(client, f"/{country['id']}", change)
    shown = client.portal.get(f"{PATH}/{country['id']}").json()
    assert answer.json() == {"message": "Created", "statuscode": 201}
    assert [shown[name] for name in ("name", "label", "type", "isMultiselect", "zindex")] == [
        "Country", "Land", "select2", 1, 7,
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["colour", "text"])
def test_metaproperty_when_modified_to_a_type_it_cannot_have_is_refused(shared: Any, kind: str) -> None:
    answer = _sent(shared, f"/{_country(shared)['id']}", {"type": kind})
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid metaproperty type")


def test_metaproperty_when_deleted_takes_its_values_along(client: Any) -> None:
    country = _country(client)
    media_id = client.saved(**{f"metaproperty.{country['id']}": "Spain"})
    code = client.portal.delete(f"{PATH}/{country['id']}/").status_code
    asset = client.portal.get(f"/api/v4/media/{media_id}").json()
    assert (code, "property_Country" in asset, asset["propertyOptions"]) == (204, False, [])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "No data sent"),
        ("{", "Invalid JSON"),
        ("[]", "Invalid JSON"),
        ({}, "Meta property option name is required"),
        ({"name": "x", "options": [{}]}, "Meta property option name is required"),
        ({"name": "spain"}, "Meta property option with this name already exists"),
    ],
    ids=str,
)
def test_option_when_it_cannot_be_made_says_why(shared: Any, data: Any, message: str) -> None:
    answer = _sent(shared, f"/{_country(shared)['id']}/options", data)
    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert answer.json()["statuscode"] == "400"


@pytest.mark.parametrize(
    ("metaproperty", "status", "message"),
    [
        ("nonsense", 400, "Invalid metaproperty ID"),
        ("0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6", 404, "Metaproperty not found"),
    ],
)
def test_option_when_made_at_no_metaproperty_says_which(
    shared: Any, metaproperty: str, status: int, message: str
) -> None:
    answer = _sent(shared, f"/{metaproperty}/options/", {"name": "x"})
    assert answer.json() == {"message": message, "statuscode": str(status)}


def test_options_when_nested_are_made_together_and_shown_below(client: Any) -> None:
    country = _country(client)
    nested = {"name": "Italy", "externalReference": "IT", "options": [{"name": "Rome", "label": "Roma"}]}
    made = _sent(client, f"/{country['id']}/options", nested).json()["id"]
    italy = next(one for one in _country(client)["options"] if one["id"] == made)
    found = client.portal.get(f"{PATH}/{country['id']}/options", params={"externalReference": "IT"}).json()
    assert [(one["name"], one["label"], one["parentId"]) for one in italy["options"]] == [
        ("Rome", "Roma", made)
    ]
    assert [(one["id"], one["date"][-6:]) for one in found] == [(made, "+00:00")]


def test_options_when_paged_come_in_pieces(shared: Any) -> None:
    path = f"{PATH}/{_country(shared)['id']}/options"
    pages = [shared.portal.get(path, params={"limit": "3", "page": page}).json() for page in "123"]
    assert [len(page) for page in pages] == [3, 1, 0]


def test_option_when_modified_keeps_its_name_and_when_deleted_leaves_its_assets(client: Any) -> None:
    country = _country(client)
    spain = country["options"][3]["id"]
    media_id = client.saved(**{f"metaproperty.{country['id']}": spain})
    path = f"/{country['id']}/options/{spain}"
    renamed = _sent(client, path, {"name": "Iberia"}).json()["message"]
    changed = _sent(client, path, {"label": "España", "isSelectable": False}).status_code
    shown = client.portal.get(f"{PATH}/options", params={"ids": spain}).json()[0]
    gone = [client.portal.delete(f"{PATH}{path}").status_code for _ in range(2)]
    assert (renamed, changed) == ("Editing meta property option name not allowed", 201)
    assert (shown["name"], shown["label"], shown["isSelectable"]) == ("Spain", "España", 0)
    assert (gone, client.portal.get(f"/api/v4/media/{media_id}").json()["propertyOptions"]) == (
        [204, 404],
        [],
    )


@pytest.mark.parametrize(
    ("ids", "message"), [("", "No data sent"), ("x", "Invalid metaproperty option id sent")]
)
def test_options_when_asked_by_wrong_ids_are_refused(shared: Any, ids: str, message: str) -> None:
    answer = shared.portal.get(f"{PATH}/options/", params={"ids": ids})
    assert answer.json() == {"message": message, "statuscode": "400"}


def test_metaproperties_when_the_role_is_missing_can_be_read_only(client: Any) -> None:
    client.control("roles", roles=["MEDIAUPLOAD"])
    made = _sent(client, "", {"name": "X", "type": "text"})
    assert (client.portal.get(PATH).status_code, made.status_code) == (200, 403)


def test_asset_options_when_added_and_removed_are_a_set(shared: Any) -> None:
    usage = shared.portal.get(PATH).json()["Usage"]
    media_id, (first, second, _) = shared.saved(), (option["id"] for option in usage["options"])
    body = {"asset_id": media_id, "metaproperty_id": usage["id"], "metaproperty_option_ids": [first, second]}
    added = [shared.portal.post("/api/media/options", json=body) for _ in range(2)]
    shown = shared.portal.get(f"/api/v4/media/{media_id}").json()["property_Usage"]
    removed = shared.portal.request(
        "DELETE", "/api/media/options/", json=body | {"metaproperty_option_ids": [first]}
    )
    left = shared.portal.get(f"/api/v4/media/{media_id}").json()["property_Usage"]
    assert added[1].json() == {"message": "Created", "statuscode": 201}
    assert (shown, removed.status_code, left) == (["Print", "Web"], 204, ["Web"])


def test_asset_options_when_wrong_or_forbidden_answer_with_numbers(client: Any) -> None:
    body = {"asset_id": client.saved(), "metaproperty_id": "X", "metaproperty_option_ids": []}
    unknown = client.portal.post("/api/media/options", json=body)
    client.control("roles", roles=["MEDIAUPLOAD"])
    denied = client.portal.post("/api/media/options", json=body)
    assert unknown.json() == {"message": "Not Found", "statuscode": 404}
    assert denied.json() == {"message": "Access denied", "statuscode": 403}
