"""Media of a portal are marked at Imatag and come back, by the real command line over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imatag_site import API_KEY, MEDIA, imatag_site
from loopback import Site

COUNT = len(MEDIA)


@pytest.fixture
def marks(tmp_path: Path) -> Iterator[Site]:
    """Pictures and a film in the portal, and an Imatag that is quick."""
    with imatag_site(tmp_path) as site:
        imatag: Any = site.sandbox.part("imatag")
        imatag.control("settings", {"processing": 0})
        site.portal.control("lag", {"conversion": 0, "index": 0})
        imatag.furnish(site.sandbox.parts)
        yield site


def outcomes(site: Site, *options: str) -> dict[str, int]:
    (report,) = json.loads(site.run("run", "--json", *options).stdout)
    found: dict[str, int] = report["outcomes"]
    return found


def wrong(site: Site) -> list[Any]:
    part: Any = site.sandbox.part("imatag")
    return [finding for finding in part.findings(site.sandbox.parts) if not finding.ok]


def test_every_selected_asset_is_marked_once_and_its_mark_can_be_read_from_what_is_delivered(
    marks: Site,
) -> None:
    assert outcomes(marks) == {"pushed": COUNT}
    assert wrong(marks) == []
    assert outcomes(marks) == {}
    assert outcomes(marks, "--full") == {}
    assert marks.sandbox.world.counts["marks"] == COUNT


def test_log_at_debug_level_holds_no_secret(marks: Site) -> None:
    imatag: Any = marks.sandbox.part("imatag")
    imatag.control("settings", {"redirect": True})
    result = marks.run("--log-level", "debug", "run")
    said = result.stdout + result.stderr
    assert "as request" in said
    assert [secret for secret in (API_KEY, marks.portal.token, "signature") if secret in said] == []


def test_plan_when_asked_names_what_would_be_marked_and_sends_nothing(marks: Site) -> None:
    assert len(marks.run("plan", "--json").stdout.splitlines()) == COUNT
    assert marks.sandbox.part("imatag").state() == {"media": [], "marks": 0}
    assert "imatag_hash" not in marks.portal.state()["metaproperties"]


@pytest.mark.parametrize(
    ("settings", "roles", "revoked", "expected", "cure"),
    [
        pytest.param({"directory": "other/x"}, None, False, 3, "begin it with acme", id="not at home"),
        pytest.param({"directory": "acme/../x"}, None, False, 3, "write it like acme/bynder", id="no path"),
        pytest.param({"filters": {"tag": "x"}}, None, False, 3, "did you mean 'tags'?", id="unknown filter"),
        pytest.param({}, ["MEDIAUPLOAD"], False, 4, "give it the role MEDIAHIGHRES", id="missing right"),
        pytest.param({}, None, True, 4, "set api_key to one that is valid", id="revoked key"),
    ],
)
def test_check_refuses_what_will_not_do_and_says_what_to_do_before_anything_is_sent(
    marks: Site, settings: dict[str, Any], roles: list[str] | None, revoked: bool, expected: int, cure: str
) -> None:
    if roles is not None:
        marks.portal.control("roles", {"roles": roles})
    marks.sandbox.part("imatag").control("revoke", {"on": revoked})
    marks.connector("marks", **settings)
    result = marks.run("check", expect=expected)
    assert cure in result.stdout + result.stderr
    assert marks.sandbox.part("imatag").state() == {"media": [], "marks": 0}


def test_check_when_all_is_well_says_ok_line_by_line(marks: Site) -> None:
    lines = marks.run("check").stdout.splitlines()
    assert all(line.startswith("ok") for line in lines)
    assert any("files go to acme/bynder" in line for line in lines)


def test_key_that_is_revoked_in_the_middle_stops_the_run_and_loses_nothing(marks: Site) -> None:
    imatag: Any = marks.sandbox.part("imatag")
    imatag.control("settings", {"processing": 1})
    child = marks.start("run")
    while marks.sandbox.world.counts["marks"] < 1:
        assert child.poll() is None
    imatag.control("revoke", {})
    _, said = child.communicate(timeout=60)
    assert child.returncode == 4, said
    imatag.control("revoke", {"on": False})
    marks.run("run")
    assert wrong(marks) == []
