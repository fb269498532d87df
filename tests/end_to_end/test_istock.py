"""Licensed iStock media arrive in a portal, by the real command line over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from loopback import SECRET_VALUES, Site, assert_arrived_once_and_whole

from damlink_sandbox import Fault


def fault(site: Site, service: str, match: str, kind: str, **more: Any) -> None:
    site.sandbox.world.faults.add(Fault(service=service, match=match, kind=kind, **more))


def licences(site: Site) -> int:
    return site.sandbox.world.counts["licences"]


def test_run_brings_every_licensed_asset_once_and_a_second_run_carries_nothing(site: Site) -> None:
    site.run("run")
    assert_arrived_once_and_whole(site, {*site.licensed()})
    (report,) = json.loads(site.run("run", "--json").stdout)
    assert report["outcomes"] == {}
    assert licences(site) == len(site.licensed())


def test_asset_when_brought_carries_credit_and_three_tags(site: Site) -> None:
    site.run("run")
    asset = site.stored()["1400000002"][0]
    known = site.licensed()["1400000002"]
    author = known["artist"].replace(",", "")
    assert asset["description"] == known["credit_line"]
    assert set(asset["tags"]) == {"iStock", author, "1400000002"}


def test_tags_when_the_author_has_a_comma_stay_three(site: Site) -> None:
    site.run("run")
    assert {len(assets[0]["tags"]) for assets in site.stored().values()} == {3}


def test_videos_when_not_included_stay_until_they_are(site: Site) -> None:
    site.connector(include_videos=False)
    site.run("run")
    films = {key for key, asset in site.licensed().items() if asset["kind"] == "video"}
    assert films
    assert not films & site.stored().keys()
    site.connector(include_videos=True)
    site.run("run")
    assert_arrived_once_and_whole(site, {*site.licensed()})


def test_sync_after_when_set_leaves_out_what_was_licensed_before(site: Site) -> None:
    newest = max(date for asset in site.licensed().values() for date in asset["dates"])
    site.connector(sync_after=newest[:10])
    site.run("run")
    expected = {key for key, asset in site.licensed().items() if max(asset["dates"])[:10] >= newest[:10]}
    assert site.stored().keys() == expected


def test_asset_when_deleted_in_the_portal_is_not_brought_again(site: Site) -> None:
    site.run("run")
    site.portal.control("delete_asset", {"id": site.stored()["1400000001"][0]["id"]})
    site.run("run", "--full")
    assert [asset["deleted"] for asset in site.stored().get("1400000001", [])] in ([], [True])
    assert licences(site) == len(site.licensed())


def test_asset_when_withdrawn_at_istock_is_rejected_and_named(site: Site) -> None:
    site.istock.control("withdraw", {"id": "1400000001"})
    result = site.run("run", expect=1)
    assert "rejected 1400000001" in result.stderr
    assert "no longer offers it" in site.assets("rejected")[0]["last_error"]


def test_empty_ledger_beside_a_full_portal_licenses_nothing_again(site: Site) -> None:
    site.run("run")
    before = licences(site)
    for file in site.folder.glob("damlink.db*"):
        if file.is_file():
            file.unlink()
    site.sandbox.world.clock.advance(5)  # the portal's lists show the last assets
    site.run("run")
    assert licences(site) == before
    assert {asset["reason"] for asset in site.assets()} == {"found in the portal"}
    assert_arrived_once_and_whole(site, {*site.licensed()})


def test_second_connector_of_the_portal_skips_what_the_first_has_brought(site: Site) -> None:
    site.tables["connectors"]["other"] = dict(site.tables["connectors"]["stock"]) | {"adopt_existing": False}
    site.write()
    site.run("run")
    out = site.run("assets", "other", "--json").stdout
    assert {json.loads(line)["reason"] for line in out.splitlines()} == {"already delivered by stock"}
    assert_arrived_once_and_whole(site, {*site.licensed()})


def test_cap_when_reached_leaves_the_rest_to_the_next_run(site: Site) -> None:
    site.connector(max_downloads_per_run=4)
    pushed = []
    for _ in range(3):
        (report,) = json.loads(site.run("run", "--json").stdout)
        pushed.append(report["outcomes"]["pushed"])
    assert pushed == [4, 4, len(site.licensed()) - 8]


def test_limit_when_given_carries_no_more(site: Site) -> None:
    site.run("run", "--limit", "3")
    assert len(site.stored()) == 3


def test_plan_when_asked_tells_what_a_run_would_carry_and_changes_nothing(site: Site) -> None:
    planned = site.run("plan", "--json").stdout.splitlines()
    assert {json.loads(line)["source_id"] for line in planned} == {*site.licensed()}
    assert licences(site) == 0
    assert not (site.folder / "damlink.db").exists()


def test_check_when_all_is_well_says_ok_line_by_line(site: Site) -> None:
    lines = site.run("check").stdout.splitlines()
    assert len(lines) == 6
    assert lines[-1].endswith("result: connected")
    assert all(line.startswith("ok") for line in lines)


# --- the waiting room ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "waiting_room", "expected"),
    [
        pytest.param(["MEDIAUPLOAD", "MEDIAUPLOADFORAPPROVAL"], True, 0, id="both roles, waiting room"),
        pytest.param(["MEDIAUPLOAD", "MEDIAUPLOADFORAPPROVAL"], False, 0, id="both roles, asset bank"),
        pytest.param(["MEDIAUPLOAD"], True, 4, id="no role for the waiting room"),
        pytest.param(["MEDIAUPLOADFORAPPROVAL"], False, 4, id="no role for the asset bank"),
        pytest.param(["MEDIAOVERVIEW"], False, 4, id="no role to upload"),
    ],
)
def test_upload_when_the_roles_permit_the_choice_goes_there_and_else_is_refused(
    site: Site, roles: list[str], waiting_room: bool, expected: int
) -> None:
    site.portal.control("roles", {"roles": roles})
    site.connector(send_to_waiting_room=waiting_room, sync_after="2026-01-01")
    result = site.run("run", "--limit", "2", expect=expected)
    rooms = [asset["waiting_room"] for asset in site.portal.state()["assets"]]
    assert rooms == ([waiting_room] * 2 if expected == 0 else [])
    assert ("MEDIAUPLOAD" in result.stderr) == (expected == 4)


# --- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [100, pytest.param(300, marks=pytest.mark.acceptance)])
def test_run_when_things_fail_now_and_then_brings_all_of_them_once(site: Site, count: int) -> None:
    ids = set(site.istock.control("license", {"count": count, "size": 20_000})["ids"])
    # An upload is begun three times; a lost answer to its finalisation costs it one of them.
    for service, match, broken in (
        ("portal", "POST /api/v4/upload", 1),
        ("portal", "GET /api/v4/upload/poll", 8),
        ("portal", "POST /api/upload/init", 8),
        ("s3", "POST", 8),
        ("istock", "GET /v3/", 8),
        ("istock-delivery", "GET /file", 8),
    ):
        fault(site, service, match, "status", status=500, share=0.04, times=12)
        fault(site, service, match, "cut", share=0.03, times=broken)
        fault(site, service, match, "truncate", share=0.03, times=broken)
    fault(site, "istock", "POST /v3/downloads", "status", status=429, share=0.05, times=10)
    fault(site, "portal", "POST /api/v4/media/save", "status", status=500, share=0.03, times=6)
    fault(site, "portal", "POST /api/v4/media/save", "cut-after", share=0.03, times=6)
    site.run("run")
    assert_arrived_once_and_whole(site, ids)


def test_assets_whose_downloads_stay_unclear_are_listed_with_their_cause_and_the_rest_arrives(
    site: Site,
) -> None:
    fault(site, "istock", "POST /v3/downloads/images/140000000[12]$", "status", status=503, times=0)
    site.run("run", expect=1)
    uncertain = site.assets("uncertain")
    assert {asset["source_id"] for asset in uncertain} == {"1400000001", "1400000002"}
    assert all("503" in asset["last_error"] for asset in uncertain)
    assert_arrived_once_and_whole(site, {*site.licensed()} - {"1400000001", "1400000002"})


def test_failed_assets_when_retried_arrive(site: Site) -> None:
    fault(site, "portal", "POST /api/upload/init", "status", status=400, body='{"message": "not now"}')
    site.run("run", expect=1)
    assert "1 due again" in site.run("retry", "stock").stdout
    site.run("run")
    assert_arrived_once_and_whole(site, {*site.licensed()})


def test_answer_lost_in_the_waiting_room_is_left_to_a_person(site: Site) -> None:
    site.connector(send_to_waiting_room=True)
    fault(site, "portal", "POST /api/v4/media/save", "cut-after")
    site.run("run", expect=1)
    (uncertain,) = site.assets("uncertain")
    assert "damlink settle stock" in uncertain["last_error"]
    assert "is uncertain" in site.run("retry", "stock", uncertain["source_id"], expect=3).stderr
    site.run("settle", "stock", uncertain["source_id"], "--saved")
    site.run("run")
    assert_arrived_once_and_whole(site, {*site.licensed()})


def test_asset_to_be_skipped_after_a_save_without_an_answer_is_left_to_a_person(site: Site) -> None:
    site.tables["portals"]["brand"]["index_lag"] = "200s"
    site.write()
    fault(site, "portal", "POST /api/v4/media/save", "cut", times=0)
    site.run("run", expect=None)
    site.sandbox.world.faults.clear()
    (video,) = [key for key, each in site.licensed().items() if each["kind"] == "video"]
    site.connector(include_videos=False)
    site.run("retry", "stock", video)
    site.run("run", expect=1)
    (uncertain,) = site.assets("uncertain")
    assert uncertain["source_id"] == video
    assert "a save of it that was sent before got no answer" in uncertain["last_error"]


def test_page_in_place_of_a_file_is_not_uploaded_and_costs_no_second_licence(site: Site) -> None:
    page = Fault(service="istock-delivery", match="GET", kind="garble", garbage="html", times=0)
    site.sandbox.world.faults.add(page)
    site.run("run", expect=1)
    failed = site.assets("failed")
    assert len(failed) == len(site.licensed())
    assert all("came from its source in place of" in asset["last_error"] for asset in failed)
    assert site.portal.state()["assets"] == []
    site.sandbox.world.faults.clear()
    site.run("retry", "stock")
    site.run("run")
    assert_arrived_once_and_whole(site, {*site.licensed()})
    assert licences(site) == len(site.licensed())


def test_allowance_when_used_up_waits_and_fails_nothing(site: Site) -> None:
    site.istock.control("allowance", {"remaining": 3})
    site.run("run")
    assert len(site.stored()) == 3
    assert {asset["reason"] for asset in site.assets("waiting")} == {"iStock's allowance is used up"}


def test_organisation_when_not_permitted_fails_and_names_the_right(site: Site) -> None:
    site.istock.control("company_right", {"on": False})
    result = site.run("run", expect=4)
    assert "may not see the organisation's assets" in result.stderr
    assert site.stored() == {}


def test_token_when_it_expires_in_the_middle_is_renewed(site: Site) -> None:
    site.istock.control("license", {"count": 40, "size": 20_000})
    site.istock.control("lifetime", {"seconds": 2})
    site.run("run", "--workers", "8")
    assert_arrived_once_and_whole(site, {*site.licensed()})


def test_portal_with_client_credentials_works_alike(site: Site) -> None:
    site.tables["portals"]["brand"] = {
        "url": site.sandbox.origins["portal"],
        "auth": "oauth2-client-credentials",
        "client_id": site.portal.client_id,
        "client_secret": {"env": "CLIENT_SECRET"},
    }
    SECRET_VALUES["CLIENT_SECRET"] = site.portal.client_secret
    site.write()
    site.run("run", "--limit", "2")
    assert len(site.stored()) == 2


def test_vector_arrives_as_its_eps(site: Site) -> None:
    site.run("run")
    (vector,) = [key for key, asset in site.licensed().items() if asset["kind"] == "vector"]
    assert site.stored()[vector][0]["sha256"] == site.licensed()[vector]["sha256"]


def test_log_at_debug_level_holds_no_secret(site: Site) -> None:
    result = site.run("--log-level", "debug", "run", "--limit", "2")
    said = result.stdout + result.stderr
    assert "POST" in said
    secrets = [*SECRET_VALUES.values(), site.portal.token]
    assert [secret for secret in secrets if secret in said and secret != "sandbox.user"] == []


def two_connectors(site: Site) -> None:
    site.tables["connectors"]["other"] = dict(site.tables["connectors"]["stock"])
    site.write()


def planned(site: Site, name: str) -> list[str]:
    lines = [json.loads(line) for line in site.run("plan", name, "--json").stdout.splitlines()]
    return [line["source_id"] for line in lines if line["action"] != "skip"]


def test_second_connector_when_the_first_could_not_bring_an_asset_brings_it(site: Site) -> None:
    two_connectors(site)
    site.istock.control("withdraw", {"id": "1400000001"})
    site.run("run", "stock", expect=1)
    site.istock.control("withdraw", {"id": "1400000001", "on": False})
    assert [row["source_id"] for row in site.assets("rejected")] == ["1400000001"]
    assert planned(site, "other") == ["1400000001"]
    site.run("run", "other")
    assert_arrived_once_and_whole(site, {*site.licensed()})


def test_plan_when_no_connector_has_run_names_each_asset_under_one_of_them(site: Site) -> None:
    two_connectors(site)
    lines = [json.loads(line) for line in site.run("plan", "stock", "other", "--json").stdout.splitlines()]
    assert {line["connector"] for line in lines} == {"stock"}
    assert sorted(line["source_id"] for line in lines) == sorted(site.licensed())


@pytest.mark.parametrize("word", ["--saved", "--again"])
def test_second_connector_when_the_first_is_uncertain_waits_for_its_end(site: Site, word: str) -> None:
    two_connectors(site)
    for name in ("stock", "other"):
        site.connector(name, send_to_waiting_room=True)
    kind = "cut-after" if word == "--saved" else "cut"
    fault(site, "portal", "POST /api/v4/media/save", kind)
    site.run("run", "stock", expect=1)
    (uncertain,) = site.assets("uncertain")
    assert planned(site, "other") == []
    site.run("run", "other")
    (waiting,) = map(
        json.loads, site.run("assets", "other", "--state", "waiting", "--json").stdout.splitlines()
    )
    assert waiting["reason"] == "waits until stock is done with it"
    site.run("settle", "stock", uncertain["source_id"], word)
    site.run("run")
    assert site.run("assets", "other", "--state", "waiting", "--json").stdout == ""
    assert_arrived_once_and_whole(site, {*site.licensed()})
