"""The timeline on the page of a connector."""

from __future__ import annotations

from typing import Any

import pytest

from damlink._console.timeline import MOST_EVENTS
from damlink._state.audit import Audit
from damlink._state.runs import Runs

HOSTILE = "<script>alert(2)</script>"
PAGE = "/connector?connector=shelf"


def timeline(shown: Any) -> list[dict[str, Any]]:
    found: Any = shown.json(PAGE)["timeline"]
    return found


def run(shown: Any, version: str, error: str = "", exit_code: int = 0) -> int:
    runs = Runs(shown.session.database, "shelf")
    number = runs.begin(1)
    runs.end(number, exit_code, {"plugin": {"distribution": "damlink-acme", "version": version}}, error)
    return number


def test_timeline_tells_runs_and_the_upgrade_between_them_newest_first(shown: Any) -> None:
    run(shown, "1.0")
    last = run(shown, "1.1", f"{HOSTILE} is away", 3)
    found = timeline(shown)
    assert [each["at"] for each in found] == sorted((each["at"] for each in found), reverse=True)
    assert {"at": found[0]["at"], "kind": "ended", "run": last, "exit_code": 3} | {
        "error": f"{HOSTILE} is away"
    } in found
    upgrades = [each for each in found if each["kind"] == "plugin"]
    assert [(each["distribution"], each["before"], each["after"]) for each in upgrades] == [
        ("damlink-acme", "1.0", "1.1")
    ]
    page = shown.client.get(PAGE).text
    assert "plugin damlink-acme 1.0 → 1.1" in page
    assert f"run {last} ended, exit 3: &lt;script&gt;" in page
    assert HOSTILE not in page


def test_timeline_tells_changes_of_the_connector_and_its_portal(shown: Any) -> None:
    audit = Audit(shown.session.database)
    audit.note("ada", "write-draft", "shelf", {"enabled": ["yes", HOSTILE]})
    audit.note("ada", "login", "brand")
    audit.note("ada", "write-draft", "stock", {"enabled": ["yes", "no"]})
    # A user of that name is another thing.
    audit.note("ada", "users role", "shelf", {"role": ["viewer", "operator"]})
    found = [(each["action"], each["subject"]) for each in timeline(shown) if each["kind"] == "change"]
    assert found == [("login", "brand"), ("write-draft", "shelf")]
    page = shown.client.get(PAGE).text
    assert "enabled: yes → &lt;script&gt;" in page
    assert HOSTILE not in page


def test_timeline_is_bounded(shown: Any) -> None:
    for _ in range(MOST_EVENTS):
        run(shown, "1.1")
    assert len(timeline(shown)) == MOST_EVENTS


@pytest.mark.parametrize(("look_back", "is_found"), [(2, True), (1, False)])
def test_audit_finds_within_its_look_back_alone(shown: Any, look_back: int, is_found: bool) -> None:
    audit = Audit(shown.session.database)
    audit.note("ada", "edit", "far")
    audit.note("ada", "leave", "")
    found = audit.find({"far"}, {"edit"}, limit=5, look_back=look_back)
    assert bool(found) is is_found
