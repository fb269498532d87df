from __future__ import annotations

import json
from typing import Any

import attrs
import httpx
import pytest

PATH = "/api/v4/metaproperties"
NOBODY = "0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6"


@attrs.frozen
class Options:
    """Two metaproperties with options, and the dependencies of an option of the first."""

    portal: httpx.Client
    country: str
    spain: str
    usages: list[str]

    @property
    def path(self) -> str:
        return f"{PATH}/{self.country}/options/{self.spain}/dependencies"

    def group(self, ids: list[str]) -> httpx.Response:
        return self.portal.post(f"{self.path}/group", data={"data": json.dumps(ids)})


@pytest.fixture
def options(shared: Any) -> Options:
    known = shared.portal.get(PATH).json()
    usages = [option["id"] for option in known["Usage"]["options"]]
    return Options(shared.portal, known["Country"]["id"], known["Country"]["options"][3]["id"], usages)


def test_dependency_when_added_and_removed_shows_in_every_list(options: Options) -> None:
    web = options.usages[1]
    added = options.portal.post(f"{options.path}/{web}")
    of_all = options.portal.get(f"{PATH}/options/dependencies").json()
    of_one = options.portal.get(f"{PATH}/{options.country}/options/dependencies/").json()
    ids = options.portal.get(f"{PATH}/{options.country}/dependencies/").json()
    removed = [options.portal.delete(f"{options.path}/{web}").status_code for _ in range(2)]
    assert added.json() == {"message": "Created", "statuscode": 201}
    assert of_all == {options.country: of_one}
    assert (of_one, ids) == ({options.spain: {"ungrouped": [web]}}, [web])
    assert (removed, options.portal.get(options.path).json()) == ([204, 404], [])


def test_group_when_made_changed_and_removed_holds_its_members(options: Options) -> None:
    first, second, third = options.usages
    group = options.group([first]).json()["id"]
    path, grouped = f"{options.path}/group/{group}", {"includeGroupedResults": "true"}
    codes = [
        options.portal.post(path, data={"data": json.dumps([second])}).status_code,
        options.portal.post(f"{path}/{third}").status_code,
        options.portal.delete(f"{path}/{second}").status_code,
    ]
    options.portal.post(f"{options.path}/{first}")
    shown = options.portal.get(options.path, params=grouped).json()
    gone = [options.portal.delete(path).status_code for _ in range(2)]
    assert (codes, shown) == ([201, 201, 204], {group: [third], "ungrouped": [first]})
    assert (gone, options.portal.get(options.path).json()) == ([204, 404], [first])


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", f"{PATH}/{NOBODY}/options/dependencies", "Unknown metaproperty"),
        ("GET", f"{PATH}/{NOBODY}/options/x/dependencies", "Unknown metaproperty"),
        ("GET", f"{PATH}/COUNTRY/options/{NOBODY}/dependencies", "Unknown metaproperty option"),
        ("POST", f"{PATH}/COUNTRY/options/SPAIN/dependencies/{NOBODY}", "Unknown dependency option"),
        ("POST", f"{PATH}/COUNTRY/options/SPAIN/dependencies/group/{NOBODY}/x", "Unknown group"),
    ],
)
def test_dependency_when_something_is_unknown_says_what(
    options: Options, method: str, path: str, message: str
) -> None:
    path = path.replace("COUNTRY", options.country).replace("SPAIN", options.spain)
    assert options.portal.request(method, path).json() == {"message": message, "statuscode": "404"}


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        ("", 400, "No data sent"),
        ("[]", 400, "Data cannot be empty"),
        (f'["{NOBODY}"]', 404, "Unknown dependency option"),
    ],
)
def test_group_when_it_cannot_be_made_says_why(
    options: Options, data: str, status: int, message: str
) -> None:
    answer = options.portal.post(f"{options.path}/group", data={"data": data})
    assert (answer.status_code, answer.json()["message"]) == (status, message)


def test_group_when_made_at_an_unknown_option_is_refused_in_its_own_words(options: Options) -> None:
    paths = (f"{PATH}/x/options/x", f"{PATH}/{options.country}/options/x")
    data = {"data": json.dumps(options.usages)}
    answers = [options.portal.post(f"{path}/dependencies/group", data=data).json() for path in paths]
    assert [one["message"] for one in answers] == [
        "Invalid metaproperty ID",
        "Unknown metaproperty option id",
    ]
