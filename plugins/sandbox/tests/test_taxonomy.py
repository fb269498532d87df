from __future__ import annotations

from typing import Any

import pytest

NOBODY = "0c4d1e52-7a63-4b81-9f20-a1b2c3d4e5f6"


@pytest.fixture(scope="module")
def path(shared: Any) -> str:
    own = shared.portal.get("/api/v4/metaproperties").json()["Country"]["id"]
    return f"/api/1/taxonomy/metaproperties/{own[:23]}-{own[23:]}/options".lower()


def test_options_when_walked_forward_and_back_come_by_name(shared: Any, path: str) -> None:
    first = shared.portal.get(path, params={"limit": "3"}).json()
    second = shared.portal.get(path, params={"start": first["metadata"]["nextPage"]}).json()
    back = shared.portal.get(path, params={"before": second["metadata"]["prevPage"], "limit": "3"}).json()
    assert [one["name"] for one in first["options"]] == ["France", "Germany", "Netherlands"]
    assert ([one["name"] for one in second["options"]], second["metadata"].keys()) == (
        ["Spain"],
        {"prevPage"},
    )
    assert back == first


def test_options_when_ids_are_given_are_these(shared: Any, path: str) -> None:
    known = shared.portal.get(path).json()["options"]
    wanted = [known[0]["id"], known[2]["id"]]
    found = shared.portal.get(path, params={"ids": wanted}).json()["options"]
    assert [one["id"] for one in found] == wanted


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"start": "a_b", "before": "c_d"}, "option-list-cursor-parameter-invalid"),
        ({"start": "x"}, "option-list-cursor-format-invalid"),
    ],
)
def test_options_when_cursors_are_wrong_say_how(
    shared: Any, path: str, query: dict[str, str], code: str
) -> None:
    answer = shared.portal.get(path, params=query)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


def test_options_when_the_metaproperty_is_unknown_say_so(shared: Any) -> None:
    answer = shared.portal.get(f"/api/1/taxonomy/metaproperties/{NOBODY}/options")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "metaproperty-not-existing")
