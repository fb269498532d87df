"""Changes of settings in the audit log: before and after, and no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from damlink._console.drafts import Kept
from damlink._console.setting_changes import describe_changes
from damlink._run.setting_changes import MOST_CHARACTERS
from damlink._state.audit import Audit

TYPED = "a-secret-that-was-typed"


@pytest.fixture(autouse=True)
def path(shown: Any) -> Iterator[Path]:
    """The config of the console, which is as it was afterwards."""
    path: Path = shown.session.config.path
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def write(shown: Any, **fields: str) -> tuple[str, str, Any]:
    """Change the settings of the shelf; return the entry of the log."""
    page = shown.client.get("/edit?connector=shelf").text
    base = page.partition('name="base" value="')[2].partition('"')[0]
    asked = shown.json("/edit?connector=shelf")["inputs"]
    same = {each["name"]: each["text"] for each in asked}
    form = same | {"base": base} | fields
    answer = shown.post("/change?connector=shelf", **form)
    assert answer.status_code == 303, answer.text
    return approve(shown, answer.headers["location"])


def approve(shown: Any, address: str) -> tuple[str, str, Any]:
    assert shown.post("/write-draft", id=httpx.URL(address).params["id"]).status_code == 303
    (entry,) = Audit(shown.session.database).latest(1)
    return entry.action, entry.subject, json.loads(entry.details)


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"set.pages": "7"}, {"pages": ["not set", "7"]}),
        ({"set.title": "Another"}, {"title": ["The shelf", "Another"]}),
        ({"set.tags": "one"}, {"tags": ['["one", "two"]', '["one"]']}),
        ({"set.tags": ""}, {"tags": ['["one", "two"]', "not set"]}),
        ({"set.pages": "7", "set.kind": "some"}, {"kind": ["not set", "some"], "pages": ["not set", "7"]}),
    ],
    ids=["new", "changed", "list", "emptied", "two"],
)
def test_change_when_written_is_noted_before_and_after(
    shown: Any, fields: dict[str, str], details: dict[str, list[str]]
) -> None:
    assert write(shown, **fields) == ("write-draft", "shelf", details)


def test_secret_when_typed_is_noted_by_its_name_alone(shown: Any) -> None:
    _, _, details = write(shown, **{"set.key.new": TYPED})
    assert details["key"] == ["env:TOKEN", "secret:shelf.key"]
    assert TYPED not in str(Audit(shown.session.database).latest(9))


def test_change_when_a_secret_stands_in_it_as_text_is_not_noted(shown: Any) -> None:
    config, portal = shown.session.config, {"url": "https://x.example", "token": TYPED}
    kept = Kept(
        id="", kind="connectors", name="shelf", base="", changes={"key": TYPED}, portals={"new": portal}
    )
    found = describe_changes(config, config, kept)
    assert found["key"] == ["env:TOKEN", "(not noted)"]
    assert found["portals.new.token"] == ["not set", "(not noted)"]
    assert found["portals.new.url"] == ["not set", "https://x.example"]


def test_text_when_very_long_is_noted_in_part(shown: Any) -> None:
    _, _, details = write(shown, **{"set.user": "x" * 450})
    assert details["user"] == ["not set", "x" * MOST_CHARACTERS]


def test_connector_when_disabled_is_noted_before_and_after(shown: Any) -> None:
    address = shown.post("/switch", connector="shelf", enabled="no").headers["location"]
    assert approve(shown, address)[2] == {"enabled": ["not set", "false"]}


def test_activity_when_settings_were_changed_shows_before_and_after(shown: Any) -> None:
    write(shown, **{"set.pages": "8"})
    assert "pages: not set → 8" in shown.client.get("/activity").text
