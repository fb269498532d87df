"""A new connector, step by step: kept at each step, and written with its portal and secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest


@pytest.fixture
def path(shown: Any) -> Iterator[Path]:
    path: Path = shown.session.config.path
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def begin(shown: Any, **form: str) -> httpx.Response:
    given = {"title": "Second shelf", "portal": "brand"} | form
    answer: httpx.Response = shown.post("/begin?plugin=acme", **given)
    return answer


def take(shown: Any, address: str, **form: str) -> str:
    """Answer the step at an address; return the next address."""
    fields = {f"set.{name}": text for name, text in form.items()}
    answer = shown.post(address.replace("/setup", "/step"), button="", **fields)
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    return location


def settings_at(shown: Any, address: str) -> list[str]:
    return [each["setting"] for each in shown.json(address)["inputs"]]


def test_wizard_when_followed_to_its_end_writes_portal_connector_and_secrets(shown: Any, path: Path) -> None:
    before = path.read_text()
    at = begin(shown, new_portal="other").headers["location"]
    assert settings_at(shown, at) == ["url", "auth"]
    at = take(shown, at, url="https://other.bynder.com", auth="permanent-token")
    assert "client_id" not in settings_at(shown, at)
    at = take(shown, at, **{"token.new": "typed-token"})
    at = take(shown, at, **{"key.new": "typed-key"})
    assert settings_at(shown, at)[0] == "user"
    at = take(shown, at, user="jane", videos="true", since="2026-01-31")
    at = take(shown, at, names="")
    assert at.startswith("/draft?")
    assert path.read_text() == before
    page = shown.client.get(at).text
    assert "typed-" not in page
    answer = shown.post("/write-draft", id=httpx.URL(at).params["id"], enabled="no")
    assert answer.headers["location"] == "/connector?connector=second-shelf"
    written = path.read_text()
    assert [line for line in before.splitlines() if line not in written.splitlines()] == []
    assert "[portals.other]" in written
    assert written.count('portal = "brand"') == 2
    assert 'token = {secret = "portal.other.token"}' in written
    assert 'title = "Second shelf"' in written
    assert "since = 2026-01-31" in written
    assert "enabled = false" in written
    assert shown.session.secrets.get("portal.other.token") == "typed-token"
    assert shown.session.secrets.get("second-shelf.key") == "typed-key"


def test_wizard_when_a_setting_has_no_effect_passes_it_over(shown: Any, path: Path) -> None:
    at = take(shown, begin(shown).headers["location"], key="env:TOKEN")
    assert settings_at(shown, at)[0] == "user"


def test_wizard_when_left_goes_on_at_its_address_with_what_was_answered(shown: Any, path: Path) -> None:
    first = begin(shown).headers["location"]
    take(shown, first, key="env:TOKEN")
    assert shown.json(first)["inputs"][0]["text"] == "env:TOKEN"


@pytest.mark.parametrize(
    "form",
    [
        {"title": ""},
        {"title": "The shelf"},
        {"title": "stock"},
        {"title": "x" * 201},
        {"new_portal": "a b"},
        {"new_portal": "brand"},
    ],
    ids=["no-name", "title-of-another", "name-of-another", "long-name", "odd-portal", "known-portal"],
)
def test_wizard_when_begun_wrongly_keeps_nothing(shown: Any, path: Path, form: dict[str, str]) -> None:
    before = shown.session.credentials.names("draft:")
    assert begin(shown, **form).status_code == 400
    assert shown.session.credentials.names("draft:") == before


@pytest.mark.parametrize("form", [{}, {"set.key": "plain"}], ids=["missing", "no-reference"])
def test_step_when_answered_wrongly_stays(shown: Any, path: Path, form: dict[str, str]) -> None:
    address = begin(shown).headers["location"]
    assert shown.post(address.replace("/setup", "/step"), button="", **form).status_code == 400
    assert shown.json(address)["step"] == 0


def test_first_plan_when_asked_for_is_begun_as_the_connector_is_written(shown: Any, path: Path) -> None:
    at = take(shown, begin(shown).headers["location"], key="env:TOKEN")
    at = take(shown, take(shown, at), names="")
    answer = shown.post("/write-draft", id=httpx.URL(at).params["id"], enabled="no", then="plan")
    assert answer.headers["location"] == "/plans?connector=second-shelf"
    (job,) = shown.json("/plans?connector=second-shelf")["jobs"]
    assert job["command"] == "damlink plan second-shelf --save"


def test_step_when_answered_wrongly_shows_the_reason_and_what_was_typed_but_no_secret(
    shown: Any, path: Path
) -> None:
    address = take(shown, begin(shown).headers["location"], key="env:TOKEN")
    fields = {"set.pages": "many", "set.share": "0.25", "set.user": "jane"}
    answer = shown.post(address.replace("/setup", "/step"), **fields)
    assert answer.status_code == 409
    assert 'role="alert">pages: expected' in answer.text
    assert 'value="many"' in answer.text
    assert 'value="0.25"' in answer.text


def test_portal_when_what_its_authentication_needs_is_missing_is_asked_for_at_once(
    shown: Any, path: Path
) -> None:
    at = begin(shown, new_portal="other").headers["location"]
    at = take(shown, at, url="https://other.bynder.com", auth="permanent-token")
    answer = shown.post(at.replace("/setup", "/step"), button="")
    assert answer.status_code == 409
    assert "token is missing" in answer.text
    assert "/setup?" in take(shown, at, **{"token.new": "typed-token"})


def test_name_when_it_is_taken_is_shown_again_with_the_reason(shown: Any, path: Path) -> None:
    answer = begin(shown, title="The shelf")
    assert 'role="alert"' in answer.text
    assert 'value="The shelf"' in answer.text


def test_new_connector_when_shown_names_the_commands_that_make_it_too(shown: Any, path: Path) -> None:
    at = begin(shown, new_portal="other").headers["location"]
    at = take(shown, at, url="https://other.bynder.com", auth="permanent-token")
    at = take(shown, at, **{"token.new": "typed-token"})
    at = take(shown, take(shown, take(shown, at, key="env:TOKEN"), videos="true"), names="")
    command = shown.json(at)["command"]
    assert command == (
        "damlink portal add other --set url=https://other.bynder.com --set auth=permanent-token && "
        "damlink add 'Second shelf' --plugin acme --portal other --set videos=true --set key=env:TOKEN"
    )


def test_step_when_a_secret_is_typed_in_place_of_its_reference_does_not_show_it_again(shown: Any) -> None:
    at = begin(shown).headers["location"].replace("/setup", "/step")
    answer = shown.post(at, **{"set.key": "typed-in-the-wrong-field"})
    assert (answer.status_code, "key is a reference" in answer.text) == (400, True)
    assert "typed-in-the-wrong-field" not in answer.text
