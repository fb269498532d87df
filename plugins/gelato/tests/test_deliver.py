"""Files on their way into the library: what every answer of Gelato's leads to."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest

from damlink import AssetRejectedError, AuthError, NotYet, TransientError
from damlink_sandbox import Fault
from damlink_sandbox.garbage import GARBAGE


@pytest.mark.parametrize("mode", ["pull", "push"])
def test_file_when_imported_is_in_the_folder_with_its_bytes_and_facts(bench: Any, mode: str) -> None:
    asset_id = bench.add(text="the bytes " * 40_000, filename="spring poster ü.pdf")
    result = bench.carried(bench.trial(mode=mode))
    (file,) = bench.files()
    assert file["sha256"] == bench.asset(asset_id)["sha256"]
    assert (file["name"], file["media_type"]) == ("spring poster ü.pdf", "application/pdf")
    assert (file["asset_id"], file["version"]) == (asset_id, 1)
    assert file["item_id"] == bench.asset(asset_id)["versions"][0]["id"]
    assert (result.target_id, result.url) == (file["id"], file["checkout_url"])


def test_file_when_pushed_again_after_a_failure_is_whole(bench: Any) -> None:
    asset_id = bench.add(size=3_000_000)
    bench.fault(status=503, times=2)
    bench.carried(bench.trial(mode="push"))
    assert [file["sha256"] for file in bench.files()] == [bench.asset(asset_id)["sha256"]]


def test_bytes_when_another_version_comes_before_they_are_sent_are_those_of_their_own(bench: Any) -> None:
    key = bench.add(text="first")
    trial = bench.trial(mode="push")
    prepared = trial.transform(bench.only(trial))
    bench.add_version(trial, key, b"second")
    assert b"".join(prepared.content.open()) == b"first"


def test_page_in_place_of_an_original_is_not_pushed(bench: Any) -> None:
    bench.add(filename="poster.pdf")
    bench.sandbox.world.faults.add(Fault("s3", "GET /download/", "garble", garbage="html"))
    with pytest.raises(TransientError, match="an HTML page came from its source"):
        bench.carried(bench.trial(mode="push"))
    assert bench.files() == []


# --- repeated --------------------------------------------------------------------------------------


def test_import_when_its_answer_is_lost_is_one_file(bench: Any) -> None:
    bench.add()
    bench.fault(kind="cut-after", times=2)
    assert bench.carried(bench.trial()).target_id == bench.files()[0]["id"]
    assert len(bench.files()) == 1


def test_import_when_its_answer_is_half_is_one_file(bench: Any) -> None:
    bench.add()
    bench.fault(kind="truncate", times=2)
    bench.carried(bench.trial())
    assert len(bench.files()) == 1


UNCLEAR = {
    **{kind: {"kind": "garble", "garbage": kind} for kind in GARBAGE},
    **{
        f"{status} of a gateway": {"kind": "status-after", "status": status, "body": "<html>"}
        for status in (302, 400, 404, 408, 409, 413, 415, 422, 502)
    },
    "hang": {"kind": "hang", "seconds": 0.01},
}


@pytest.mark.parametrize("answer", UNCLEAR.values(), ids=UNCLEAR)
def test_import_when_its_answer_is_unclear_is_one_file_in_the_end(bench: Any, answer: dict[str, Any]) -> None:
    bench.add()
    trial = bench.trial()
    bench.fault(**answer)
    with contextlib.suppress(TransientError):
        bench.carried(trial)
    assert bench.carried(trial).target_id == bench.files()[0]["id"]
    assert len(bench.files()) == 1


def test_import_when_gelato_has_it_already_counts_as_done(bench: Any) -> None:
    asset_id = bench.add()
    first = bench.carried(bench.trial())
    bench.gelato("settings", replay_conflicts=True)
    assert bench.carried(bench.trial()).target_id == first.target_id
    assert len(bench.files()) == 1
    assert bench.link(asset_id) == first.url


def test_conflict_with_a_long_answer_and_nulls_is_read_whole(bench: Any) -> None:
    asset_id, link = bench.add(), "https://checkout.gelato.example/c/f_9"
    told = {"code": "ALREADY_IMPORTED", "message": None, "details": ["long"] * 200, "status": None}
    bench.fault(status=409, body=json.dumps(told | {"fileId": "f_9", "checkoutUrl": link}))
    assert bench.carried(bench.trial()).target_id == "f_9"
    assert bench.link(asset_id) == link


def test_conflict_whose_answer_repeats_its_number_is_read(bench: Any) -> None:
    bench.add()
    bench.fault(status=409, body='{"status": 409, "code": "ALREADY_IMPORTED", "fileId": "f_8"}')
    assert bench.carried(bench.trial(backlink=False)).target_id == "f_8"


def test_conflict_that_names_no_file_is_tried_later(bench: Any) -> None:
    bench.add()
    bench.gelato("refuse", status=409, code="BUSY")
    with pytest.raises(TransientError, match="BUSY.*names no file"):
        bench.carried(bench.trial())


def test_version_that_comes_right_before_the_import_does_not_go_in_the_place_of_another(bench: Any) -> None:
    asset_id = bench.add(text="the first")
    trial = bench.trial()
    source = bench.only(trial)
    prepared = trial.transform(source)
    bench.add_version(trial, asset_id, b"the second")
    trial.push(prepared, source)
    trial.run()
    versions = bench.asset(asset_id)["versions"]
    assert [(file["item_id"], file["sha256"]) for file in bench.files()] == [
        (each["id"], each["sha256"]) for each in versions
    ]


def test_portal_that_gives_originals_by_their_asset_alone_will_do(bench: Any) -> None:
    asset_id = bench.add()
    bench.fault("portal", f"/media/{asset_id}/download/.", status=404, times=0)
    bench.carried(bench.trial())
    assert [file["sha256"] for file in bench.files()] == [bench.asset(asset_id)["sha256"]]


# --- refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_file_that_gelato_will_not_have_is_rejected_with_its_words(bench: Any, status: int) -> None:
    bench.add()
    bench.gelato("refuse", status=status, code="NOT_PRINTABLE", message="no pages")
    with pytest.raises(AssetRejectedError, match="NOT_PRINTABLE: no pages"):
        bench.carried(bench.trial())


def test_file_too_large_for_gelato_is_rejected(bench: Any) -> None:
    bench.add(size=2000)
    bench.gelato("settings", most_bytes=1999)
    with pytest.raises(AssetRejectedError, match="FILE_TOO_LARGE"):
        bench.carried(bench.trial())


def test_address_that_gelato_cannot_reach_is_replaced_up_to_three_times(bench: Any) -> None:
    bench.add()
    bench.gelato("refuse", times=3)
    before = bench.downloads()
    bench.carried(bench.trial())
    assert bench.downloads() - before == 4
    assert len(bench.files()) == 1


def test_address_that_gelato_never_reaches_is_left_to_a_later_round(bench: Any) -> None:
    bench.add()
    fault = bench.fault("s3", "GET /download", status=404, times=0)
    with pytest.raises(TransientError, match="cannot fetch the file"):
        bench.carried(bench.trial())
    assert fault.struck == 4


@pytest.mark.parametrize("mode", ["pull", "push"])
@pytest.mark.parametrize(
    ("state", "role"), [("limited", "KEYVISUALSDOWNLOAD"), ("watermarked", "DOWNLOADWATERMARK")]
)
def test_asset_that_takes_another_right_is_rejected_alone(
    bench: Any, state: str, role: str, mode: str
) -> None:
    special, plain = bench.add(), bench.add()
    bench.portal("change_asset", id=special, **{state: True})
    bench.fault("portal", f"/media/{special}/download", status=403, times=0)
    trial = bench.trial(mode=mode)
    assert trial.run() == {"pushed": 1, "rejected": 1}
    assert [file["asset_id"] for file in bench.files()] == [plain]
    source = next(each for each in trial.source_assets() if each.source_id == special)
    with pytest.raises(AssetRejectedError, match=role):
        bench.pushed(trial, source)


def test_right_to_download_when_missing_stops_the_connector(bench: Any) -> None:
    bench.add()
    bench.fault("portal", "/download", status=403, times=0)
    with pytest.raises(AuthError):
        bench.trial().run()


def test_key_when_revoked_stops_the_connector(bench: Any) -> None:
    bench.add()
    bench.gelato("revoke_key")
    with pytest.raises(AuthError):
        bench.trial().run()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"account_id": "nobody"}, "does not know the account", id="unknown account"),
        pytest.param({"account_id": "other"}, "another account", id="key of another account"),
        pytest.param({"auth_header": "X-Other"}, "UNAUTHORIZED", id="wrong header"),
    ],
)
def test_account_when_it_does_not_fit_stops_the_connector(
    bench: Any, settings: dict[str, Any], said: str
) -> None:
    bench.add()
    bench.gelato("add_account", id="other", key="other-key")
    with pytest.raises(AuthError, match=said):
        bench.trial(**settings).run()


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3"}], ids=["plain", "with Retry-After"])
def test_429_is_waited_out(bench: Any, headers: dict[str, str]) -> None:
    bench.add()
    fault = bench.fault(status=429, headers=headers, times=3)
    assert bench.trial().run() == {"pushed": 1}
    assert fault.struck == 3


@pytest.mark.parametrize("status", [502, 200])
def test_error_page_is_no_answer_and_the_file_is_sent_again(bench: Any, status: int) -> None:
    bench.add()
    page = bench.fault(status=status, body="<html><h1>Bad Gateway</h1></html>", times=2)
    bench.carried(bench.trial())
    assert (page.struck, len(bench.files())) == (2, 1)


@pytest.mark.parametrize("status", [502, 200])
def test_error_page_that_stays_fails_the_row(bench: Any, status: int) -> None:
    bench.add()
    bench.fault(status=status, body="<html><h1>Bad Gateway</h1></html>", times=0)
    with pytest.raises(TransientError):
        bench.carried(bench.trial())
    assert bench.files() == []


@pytest.mark.parametrize("body", ["null", "[]", "{}", '{"fileId": null}', '{"status": "available"}'])
def test_answer_that_names_no_file_fails_the_row(bench: Any, body: str) -> None:
    bench.add()
    bench.fault(status=200, body=body, times=0)
    with pytest.raises(TransientError):
        bench.carried(bench.trial())


def test_answer_with_unknown_fields_and_a_number_for_an_id_is_read(bench: Any) -> None:
    bench.add()
    bench.fault(status=201, body='{"fileId": 17, "status": "available", "new": [1], "checkoutUrl": null}')
    assert bench.carried(bench.trial(backlink=False)).target_id == "17"


# --- without an address ----------------------------------------------------------------------------


def test_import_without_an_address_waits_and_shows_what_it_would_send(bench: Any) -> None:
    asset_id = bench.add()
    before = bench.downloads()
    trial = bench.trial(import_url="", status_url="", account_id="")
    assert trial.run() == {"waiting": 1}
    with pytest.raises(NotYet) as pause:
        bench.pushed(trial, bench.only(trial))
    assert '"name": "poster.pdf"' in pause.value.reason
    assert f'"assetId": "{asset_id}"' in pause.value.reason
    assert (bench.downloads(), bench.files()) == (before, [])
