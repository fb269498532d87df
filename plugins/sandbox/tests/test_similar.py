from __future__ import annotations

from typing import Any

import pytest

PATH = "/api/1/assets/similarity-search/"


@pytest.fixture(scope="module")
def headers(shared: Any) -> dict[str, str]:
    part = shared.sandbox.part("bynder")
    form = {"grant_type": "client_credentials", "client_id": part.client_id}
    form |= {"client_secret": part.client_secret, "scope": "asset:read"}
    token = shared.portal.post("/v6/authentication/oauth2/token", data=form).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def test_assets_when_they_share_words_are_found_the_closest_first(
    shared: Any, headers: dict[str, str]
) -> None:
    names = ("Quiet grey heron", "Loud grey heron", "Heron")
    made = [shared.control("add_asset", name=name)["id"] for name in names]
    shared.advance(5)
    uuids = [f"{each[:23]}-{each[23:]}".lower() for each in made]
    found = shared.portal.post(PATH, json={"assetIds": uuids[:1]}, headers=headers).json()["assets"]
    assert [(each["assetId"], each["similarityScore"]) for each in found[:2]] == [
        (uuids[1], 0.67),
        (uuids[2], 0.33),
    ]


@pytest.mark.parametrize("body", [{}, {"textQuery": "a", "imageUrl": "https://files.example/a.jpg"}])
def test_search_when_not_by_exactly_one_thing_is_refused(
    shared: Any, headers: dict[str, str], body: dict[str, str]
) -> None:
    answer = shared.portal.post(PATH, json=body, headers=headers)
    assert (answer.status_code, answer.json()["message"].endswith("textQuery.")) == (400, True)


def test_search_when_by_a_permanent_token_is_refused(shared: Any) -> None:
    assert shared.portal.post(PATH, json={"textQuery": "a"}).status_code == 401
