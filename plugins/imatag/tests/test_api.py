"""What Imatag's answers mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from damlink import AuthError, TransientError
from damlink.errors import ConfigError
from damlink_imatag import api, directory
from damlink_sandbox import Fault


def answer(bench: Any, match: str, status: int, body: Any = "", times: int = 0) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    bench.sandbox.world.faults.add(Fault("imatag", match, status=status, body=text, times=times))


def test_search_in_a_directory_that_is_not_there_yet_finds_nothing(bench: Any) -> None:
    answer(bench, "GET .*/media/", 404, {"detail": "Not found."})
    with bench.open() as trial:
        assert api.find(trial.context.http, trial.context.settings, "acme/new", "A") == []


def test_search_when_it_finds_too_much_keeps_what_holds_the_id(bench: Any) -> None:
    media = [{"id": key, "metadata": {"bynder_media_id": key}} for key in ("A", "B")]
    answer(bench, "GET .*/media/", 200, {"count": 2, "next": None, "media": media})
    with bench.open() as trial:
        found = api.find(trial.context.http, trial.context.settings, "acme", "B")
    assert [each.id for each in found] == ["B"]


@pytest.mark.parametrize("name", ["media", "results", "medias"])
def test_list_is_read_whatever_its_name_is(bench: Any, name: str) -> None:
    media: list[dict[str, Any]] = [
        {"id": 7, "path": None, "state": None, "metadata": "…", "error_code": 12, "new": {}}
    ]
    answer(
        bench, "GET .*/media/", 200, {"count": 1, "next": None, "previous": None, "hints": [], name: media}
    )
    with bench.open() as trial:
        (found,) = api.find(trial.context.http, trial.context.settings, "acme", "A")
    assert (found.id, found.problem) == (7, "12")


@pytest.mark.parametrize("body", ["[]", "<html>", '{"media": [{"path": "a"}]}'])
def test_list_that_is_none_is_no_empty_list(bench: Any, body: str) -> None:
    answer(bench, "GET .*/media/", 200, body)
    with bench.open() as trial, pytest.raises(TransientError, match="cannot be read"):
        api.find(trial.context.http, trial.context.settings, "acme", "A")


def test_list_that_goes_on_at_another_host_is_not_followed(bench: Any) -> None:
    answer(bench, "GET .*/media/", 200, {"count": 2, "next": "http://127.0.0.2:9/media/", "media": []})
    with bench.open() as trial, pytest.raises(TransientError, match="another host"):
        api.find(trial.context.http, trial.context.settings, "acme", "A")


def test_list_when_it_has_several_pages_is_read_to_its_end(bench: Any, paint: Any) -> None:
    bench.imatag.control("settings", {"page_size": 1})
    with bench.open() as trial:
        given = {"file": ("a.jpg", paint()), "metadata": (None, '{"bynder_media_id": "A"}')}
        for name in ("a", "b", "c"):
            files = given | {"path": (None, f"acme/{name}.jpg")}
            trial.context.http.post("/media/", files=files)
        assert len(api.find(trial.context.http, trial.context.settings, "acme", "A")) == 3


def test_key_that_is_refused_says_where_a_new_one_is_made(bench: Any) -> None:
    bench.imatag.control("revoke", {})
    with bench.open() as trial, pytest.raises(AuthError, match="set api_key to one that is valid"):
        directory.verify(trial.context)


@pytest.mark.parametrize("told", [{"username": "acme"}, {"username": None, "homedirs": ["/acme/"]}])
def test_home_directory_is_the_one_that_is_told_in_either_way(bench: Any, told: dict[str, Any]) -> None:
    answer(bench, "GET .*/account/", 200, told)
    with bench.open(directory="/acme/x/") as trial:
        assert directory.verify(trial.context) == "acme/x"


def test_home_directory_may_be_a_folder_within_another(bench: Any) -> None:
    answer(bench, "GET .*/account/", 200, {"username": "agency", "homedirs": ["agency/acme"]})
    with bench.open(directory="agency/acme/x") as trial:
        assert directory.verify(trial.context) == "agency/acme/x"
    with (
        bench.open("outside", directory="agency/acmes") as trial,
        pytest.raises(ConfigError, match="begin it"),
    ):
        directory.verify(trial.context)


def test_home_directory_that_nobody_tells_must_be_set(bench: Any) -> None:
    answer(bench, "GET .*/account/", 404)
    with bench.open() as trial, pytest.raises(ConfigError, match="set connectors.imatag.username"):
        directory.verify(trial.context)
    with bench.open("named", username="acme") as trial:
        assert directory.verify(trial.context) == "acme/bynder"
