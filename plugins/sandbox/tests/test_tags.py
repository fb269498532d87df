from __future__ import annotations

import json
from typing import Any

import pytest


def _add(client: Any) -> None:
    client.control("add_asset", tags=["sea", "summer"])
    client.control("add_asset", tags=["sea"])
    client.advance(1)


def _tags(client: Any, **query: str) -> list[tuple[str, int]]:
    shown = client.portal.get("/api/v4/tags/", params=query).json()
    return [(one["tag"], one["mediaCount"]) for one in shown]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [("sea", 2), ("summer", 1)]),
        ({"orderBy": "tag desc"}, [("summer", 1), ("sea", 2)]),
        ({"orderBy": "mediaCount asc"}, [("summer", 1), ("sea", 2)]),
        ({"keyword": "SUM"}, [("summer", 1)]),
        ({"mincount": "2"}, [("sea", 2)]),
        ({"limit": "1", "page": "2"}, [("summer", 1)]),
    ],
    ids=str,
)
def test_tags_when_listed_have_their_counts(client: Any, query: dict[str, str], found: list[Any]) -> None:
    _add(client)
    assert _tags(client, **query) == found


def test_tag_when_given_to_assets_and_taken_away_is_theirs_and_keeps_its_id(client: Any) -> None:
    _add(client)
    plain = client.control("add_asset", tags=["own"])["id"]
    sea = client.portal.get("/api/v4/tags", params={"keyword": "sea"}).json()[0]["id"]
    added = client.portal.post(f"/api/v4/tags/{sea}/media/", data={"data": json.dumps([plain])})
    tags = client.portal.get(f"/api/v4/media/{plain}").json()["tags"]
    removed = client.portal.delete(f"/api/v4/tags/{sea.lower()}/media/", params={"deleteIds": plain})
    assert (added.status_code, tags, removed.status_code) == (201, ["own", "sea"], 204)
    assert client.portal.get(f"/api/v4/media/{plain}").json()["tags"] == ["own"]


@pytest.mark.parametrize(("data", "status"), [("", 400), ("x", 400), ('["x"]', 404)])
def test_tag_when_given_to_nothing_is_refused(client: Any, data: str, status: int) -> None:
    _add(client)
    sea = client.portal.get("/api/v4/tags").json()[0]["id"]
    assert client.portal.post(f"/api/v4/tags/{sea}/media", data={"data": data}).status_code == status


def test_tag_when_unknown_or_ordered_wrongly_is_refused(client: Any) -> None:
    unknown = client.portal.delete("/api/v4/tags/x/media", params={"deleteIds": "a"})
    wrong = client.portal.get("/api/v4/tags", params={"orderBy": "id asc"})
    assert (unknown.status_code, wrong.status_code) == (404, 400)
