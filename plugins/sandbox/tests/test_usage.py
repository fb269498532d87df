from __future__ import annotations

from typing import Any

import pytest

PATH = "/api/media/usage"


def _created(client: Any, asset_id: str, uri: str) -> dict[str, Any]:
    fields = {"integration_id": "I1", "asset_id": asset_id, "uri": uri, "additional": "A"}
    shown: dict[str, Any] = client.portal.post(PATH, data=fields).json()
    return shown


def _uris(client: Any, **query: str) -> list[str]:
    return [one["uri"] for one in client.portal.get(f"{PATH}/", params=query).json()]


def test_usage_when_created_is_listed_by_asset_integration_and_uri(client: Any) -> None:
    one, other = client.control("add_asset", times=2)["ids"]
    made = _created(client, one.lower(), "/a")
    _created(client, other, "/b")
    assert (made["asset_id"], made["integration"]["id"], made["additional"]) == (one, "I1", "A")
    assert (_uris(client), _uris(client, asset_id=other), _uris(client, uri="/a")) == (
        ["/a", "/b"],
        ["/b"],
        ["/a"],
    )
    assert _uris(client, integration_id="I2") == []


def test_usage_when_deleted_goes_by_uri_or_all_of_the_asset(client: Any) -> None:
    media_id = client.control("add_asset")["id"]
    for uri in ("/a", "/b", "/c"):
        _created(client, media_id, uri)
    query = {"integration_id": "I1", "asset_id": media_id}
    one = client.portal.delete(PATH, params=query | {"uri": "/a"}).status_code
    left = _uris(client)
    rest = client.portal.delete(PATH, params=query).status_code
    assert (one, left, rest, _uris(client)) == (204, ["/b", "/c"], 204, [])


def test_usage_when_fields_are_missing_names_each(shared: Any) -> None:
    created = shared.portal.post(PATH, data={})
    deleted = shared.portal.delete(PATH, params={"integration_id": "I1"})
    listed = shared.portal.get(PATH, params={"asset_id": "x"})
    assert [one.status_code for one in (created, deleted, listed)] == [400, 400, 400]
    assert created.json().keys() == {"integration_id", "asset_id"}
    assert (deleted.json().keys(), listed.json().keys()) == ({"asset_id"}, {"asset_id"})


def test_sync_when_sent_adds_keeps_rejects_and_removes(client: Any) -> None:
    media_id = client.control("add_asset")["id"]
    for uri in ("/keep", "/gone", "/elsewhere"):
        _created(client, media_id, uri)
    usages = [
        {"asset_id": media_id, "uri": "/keep", "additional": "A"},
        {"asset_id": media_id, "uri": "/new"},
        {"asset_id": "nobody", "uri": "/new"},
        {"asset_id": media_id, "uri": "/foreign"},
    ]
    body = {"integration_id": "I1", "uris": ["/keep", "/gone", "/new"], "usages": usages}
    answer = client.portal.post(f"{PATH}/sync", json=body).json()
    assert [one["uri"] for one in answer["accepted"]] == ["/keep", "/new"]
    assert [(one["uri"], one["integration"]["id"]) for one in answer["new"]] == [("/new", "I1")]
    assert [(one["asset_id"], one["uri"]) for one in answer["rejected"]] == [
        ("nobody", "/new"), (media_id, "/foreign"),
    ]  # fmt: skip
    assert answer["removed"] == [{"asset_id": media_id, "uri": "/gone"}]
    assert sorted(_uris(client)) == ["/elsewhere", "/keep", "/new"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"integration_id", "uris", "usages"}),
        ({"integration_id": "I", "uris": [], "usages": 1}, {"usages"}),
    ],
)
def test_sync_when_malformed_names_the_fields(shared: Any, body: dict[str, Any], fields: set[str]) -> None:
    answer = shared.portal.post(f"{PATH}/sync/", json=body)
    assert (answer.status_code, answer.json().keys()) == (400, fields)


def test_usage_when_the_role_or_scope_is_missing_is_denied(client: Any) -> None:
    client.control("scopes", scopes=["asset.usage:read"])
    no_scope = client.portal.post(PATH, data={}).status_code
    client.control("roles", roles=["MEDIAEDIT"])
    assert (no_scope, client.portal.get(PATH).status_code) == (403, 403)
