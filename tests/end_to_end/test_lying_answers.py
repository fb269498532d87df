"""Answers that cannot be believed, in whole runs: nothing is lost or doubled, and no charge is silent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imatag_site import imatag_site, marks_of, rows
from loopback import Site, assert_arrived_once_and_whole

from damlink_sandbox import Fault
from damlink_sandbox.garbage import GARBAGE

LIES = [kind for kind in GARBAGE if kind != "other-type"]


def garbled(site: Site, service: str, match: str, *kinds: str, **more: Any) -> None:
    """Have the next requests that match act, and be answered with this garbage, one after the other."""
    for kind in kinds:
        site.sandbox.world.faults.add(Fault(service, match, "garble", garbage=kind, **more))


def test_saves_when_every_kind_of_garbage_answers_them_make_one_asset_each(site: Site) -> None:
    site.portal.control("second_save", {"makes": "asset"})
    garbled(site, "portal", "POST /api/v4/media/save", *LIES)
    site.run("run")
    assert_arrived_once_and_whole(site, {*site.licensed()})
    assert {asset["state"] for asset in site.assets()} == {"pushed"}
    assert all(asset["target_id"] for asset in site.assets())


def test_saves_when_a_gateway_answers_them_make_one_asset_each(site: Site) -> None:
    site.portal.control("second_save", {"makes": "asset"})
    for status in (400, 401, 403, 404, 408, 502):
        page = Fault("portal", "POST /api/v4/media/save", "status-after", status=status, body="<html>")
        site.sandbox.world.faults.add(page)
    site.run("run")
    assert_arrived_once_and_whole(site, {*site.licensed()})


def garble_downloads(site: Site, times: int) -> int:
    """Have the downloads of each asset answered with a garbage of its own; how many assets there are."""
    for kind, asset_id in zip(LIES, sorted(site.licensed()), strict=False):
        garbled(site, "istock", f"POST /v3/downloads/.*/{asset_id}$", kind, times=times)
    return len(site.licensed())


def test_downloads_when_garbage_answers_them_are_paid_once_and_left_to_a_person(site: Site) -> None:
    site.connector(repeat_unclear_downloads=False)
    count, before = garble_downloads(site, times=0), site.sandbox.world.counts["licences"]
    site.run("run", expect=1)
    site.run("run")
    assert site.sandbox.world.counts["licences"] - before == count
    assert (len(site.assets("uncertain")), site.stored()) == (count, {})
    assert all("may have charged" in asset["last_error"] for asset in site.assets("uncertain"))


def test_downloads_when_garbage_answers_them_once_are_repeated_with_a_notice(site: Site) -> None:
    count, before = garble_downloads(site, times=1), site.sandbox.world.counts["licences"]
    site.run("run")
    assert_arrived_once_and_whole(site, {*site.licensed()})
    assert site.sandbox.world.counts["licences"] - before == 2 * count
    assert sum("charged twice" in str(asset) for asset in site.assets()) == count


def test_call_by_hand_when_its_answer_is_garbage_says_how_to_look(site: Site) -> None:
    garbled(site, "portal", "POST /api/workflow/campaigns", "html")
    told = site.run("bynder", "brand", "campaigns", "create", "--name", "Spring", "--key", "SPRG", expect=1)
    assert "it may or may not have happened: look with `damlink bynder brand campaigns list`" in told.stderr
    assert "Traceback" not in told.stderr
    assert site.run("bynder", "brand", "campaigns", "list").stdout.count("Spring") == 1


@pytest.fixture(params=["new-version", "additional", "new-asset"])
def marks(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Pictures and a film in the portal, marked and delivered in one of the three ways."""
    with imatag_site(tmp_path) as site:
        imatag: Any = site.sandbox.part("imatag")
        imatag.control("settings", {"processing": 0})
        site.portal.control("lag", {"conversion": 0, "index": 0})
        imatag.furnish(site.sandbox.parts)
        site.connector("marks", deliver_as=request.param)
        yield site


def test_deliveries_when_garbage_answers_them_are_there_once(marks: Site) -> None:
    garbled(marks, "portal", "POST /api/v4/media/.*save", "html", "object", "null-id", "success-false")
    garbled(marks, "imatag", "POST /api/v3/media$", "empty", "half")
    before = len(marks.portal.state()["assets"])
    marks.run("run")
    states = {row["state"] for row in rows(marks)}
    made = _files(marks) - before
    assert (states, made) == ({"pushed"}, before)
    assert {marks_of(marks, asset["id"]) for asset in marks.portal.state()["assets"]} <= {0, 1}


def _files(site: Site) -> int:
    """How many files there are in the portal: versions and additionals of all assets."""
    assets = site.portal.state()["assets"]
    return sum(len(asset["versions"]) + len(asset["additionals"]) for asset in assets)
