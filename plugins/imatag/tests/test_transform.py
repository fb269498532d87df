"""From the portal to Imatag and back, step by step and in whole runs: once, and the right bytes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from damlink import AssetRejectedError, PreparedAsset, Removed, TransientError
from damlink_imatag.deliver import MANIFEST_LOST
from damlink_imatag.media_info import MANIFEST
from damlink_sandbox import Fault
from damlink_sandbox.mark import SECRET_MARK

Painter = Callable[..., bytes]
UPLOADS = r"^POST /api/v3/media$"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def shapes(asset: dict[str, Any]) -> tuple[int, int]:
    return len(asset["versions"]), len(asset["additionals"])


# --- the three ways --------------------------------------------------------------------------------


def test_new_version_is_the_marked_file_and_the_hashes_those_of_both(bench: Any, paint: Painter) -> None:
    original = paint()
    key = bench.add(original)
    with bench.open() as trial:
        assert trial.run() == {"pushed": 1}
        assert bench.read(trial, key)["metadata"] == {"bynder_media_id": key}
    asset = bench.asset(key)
    assert shapes(asset) == (2, 0)
    assert asset["metaproperties"] == {"imatag_hash": f"{sha(original)} {asset['sha256']}"}
    assert asset["filename"] == "photo.jpg"


def test_new_asset_carries_its_name_tags_and_own_hash_and_is_not_marked_itself(
    bench: Any, paint: Painter
) -> None:
    original = paint()
    key = bench.add(original, name="Shoe", description="A shoe", copyright="(c) Acme")
    settings = {
        "new_asset_name": "{name} (marked)",
        "new_asset_tags": ["Marked"],
        "filters": {"type": "image"},
    }
    with bench.open(deliver_as="new-asset", **settings) as trial:
        assert trial.run() == {"pushed": 1}
        assert trial.run() == {"skipped": 1}  # the copy, seen as an asset, is known for what it is
        (copy,) = (each for each in bench.portal.state()["assets"] if each["id"] != key)
        assert bench.read(trial, copy["id"])["metadata"] == {"bynder_media_id": key}
    assert (copy["name"], set(copy["tags"])) == ("Shoe (marked)", {"Marked", key})
    assert (copy["description"], copy["copyright"]) == ("A shoe", "(c) Acme")
    assert copy["metaproperties"]["imatag_hash"] == copy["sha256"]
    assert bench.hashes(key)[0] == sha(original)
    assert (bench.marks(key), bench.marks(copy["id"])) == (1, 0)


def test_new_asset_when_the_original_changes_gets_a_version(bench: Any, paint: Painter) -> None:
    key = bench.add(paint())
    with bench.open(deliver_as="new-asset") as trial:
        trial.run()
        bench.replace(trial, key, paint(size=(200, 80)))
        trial.clock.advance(1)
        assert trial.run() == {"pushed": 1}
    (copy,) = (each for each in bench.portal.state()["assets"] if each["id"] != key)
    assert shapes(copy) == (2, 0)
    assert copy["metaproperties"]["imatag_hash"] == copy["sha256"]


def test_additional_stands_beside_the_original(bench: Any, paint: Painter) -> None:
    original = paint()
    key = bench.add(original)
    with bench.open(deliver_as="additional") as trial:
        assert trial.run() == {"pushed": 1}
        asset = bench.asset(key)
        assert shapes(asset) == (1, 1)
        found = bench.read(trial, key, asset["additionals"][0]["id"])
        assert found["metadata"] == {"bynder_media_id": key}
        assert trial.run() == {}
    assert (asset["sha256"], bench.hashes(key)[0]) == (sha(original), sha(original))


# --- newer versions -------------------------------------------------------------------------------


def test_newer_version_that_comes_while_imatag_works_is_marked_and_not_buried(
    bench: Any, paint: Painter
) -> None:
    key, newer = bench.add(), paint(size=(96, 160))
    with bench.open() as trial:
        source = bench.listed(trial, key)
        prepared = trial.transform(source)
        assert isinstance(prepared, PreparedAsset)
        bench.replace(trial, key, newer)
        trial.push(prepared, source)
        prepared.content.close()
        found = bench.read(trial, key)
    asset = bench.asset(key)
    assert (found["sha256"], asset["versions"][1]["sha256"]) == (sha(newer), sha(newer))
    assert (len(asset["versions"]), bench.hashes(key)[0]) == (3, sha(newer))


def test_newer_version_that_comes_while_a_run_waits_is_marked_in_the_same_run(
    bench: Any, paint: Painter
) -> None:
    key, newer = bench.add(), paint(size=(96, 160))
    bench.imatag.control("settings", {"processing": 1.5})
    with bench.open() as trial, ThreadPoolExecutor() as pool:
        run = pool.submit(trial.run)
        deadline = time.monotonic() + 20
        while bench.marks(key) < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        bench.replace(trial, key, newer)
        assert run.result() == {"pushed": 1}
        assert trial.run() == {}
        assert bench.read(trial, key)["sha256"] == sha(newer)
    assert [version["sha256"] for version in bench.asset(key)["versions"]][1] == sha(newer)
    assert (bench.marks(key), len(bench.asset(key)["versions"])) == (2, 3)


# --- the quality gate ------------------------------------------------------------------------------


def test_marked_file_without_a_mark_is_rejected(bench: Any) -> None:
    key = bench.add()
    bench.imatag.control("settings", {"identical": True})
    with bench.open() as trial, pytest.raises(AssetRejectedError, match="same as the original"):
        bench.carried(trial, key)
    assert shapes(bench.asset(key)) == (1, 0)


def test_picture_that_imatag_cannot_read_is_rejected_with_its_reason(bench: Any) -> None:
    key = bench.add(b"\xff\xd8\xff and no more")
    with (
        bench.open() as trial,
        pytest.raises(AssetRejectedError, match="could not mark it: the image cannot"),
    ):
        bench.carried(trial, key)


def test_type_that_imatag_does_not_take_is_rejected(bench: Any) -> None:
    key = bench.add(b"%!PS-Adobe", "drawing.eps")
    with bench.open() as trial, pytest.raises(AssetRejectedError, match="415"):
        bench.carried(trial, key)


def test_marked_file_that_is_gone_is_not_made_again_without_a_word(bench: Any) -> None:
    key = bench.add()
    with bench.open() as trial:
        source = bench.listed(trial, key)
        prepared = trial.transform(source)
        assert isinstance(prepared, PreparedAsset)
        prepared.content.close()
        bench.imatag.control("lose", {"id": bench.imatag.state()["media"][0]["id"]})
        with pytest.raises(AssetRejectedError, match="no longer has the marked file"):
            trial.push(prepared, source)
    assert bench.marks(key) == 1


def test_content_credentials_of_an_original_are_reported_as_lost(bench: Any, paint: Painter) -> None:
    key = bench.add(paint() + MANIFEST)
    with bench.open() as trial:
        assert bench.carried(trial, key).notice == MANIFEST_LOST


def test_half_a_marked_file_is_not_delivered(bench: Any) -> None:
    key = bench.add()
    with bench.open() as trial:
        bench.sandbox.world.faults.add(Fault("imatag", "GET .*/watermarked/", "truncate", times=0))
        with pytest.raises(TransientError):
            bench.carried(trial, key)
    assert shapes(bench.asset(key)) == (1, 0)


def test_page_in_place_of_a_marked_file_is_not_delivered_and_costs_no_second_mark(bench: Any) -> None:
    key = bench.add()
    bench.sandbox.world.faults.add(Fault("imatag", "GET .*/watermarked/", "garble", garbage="html"))
    with bench.open() as trial:
        with pytest.raises(TransientError, match="an HTML page came from its source"):
            bench.carried(trial, key)
        bench.carried(trial, key)
    assert (shapes(bench.asset(key)), bench.marks(key)) == ((2, 0), 1)


def test_page_in_place_of_an_original_is_not_sent_to_be_marked(bench: Any) -> None:
    key = bench.add()
    bench.sandbox.world.faults.add(Fault("s3", "GET /download/", "garble", garbage="html"))
    with bench.open() as trial:
        with pytest.raises(TransientError, match="an HTML page came from its source"):
            bench.carried(trial, key)
        assert bench.marks(key) == 0
        bench.carried(trial, key)
    assert bench.marks(key) == 1


# --- waiting, and getting in -----------------------------------------------------------------------


def test_slow_marking_waits_for_the_next_run_and_is_then_delivered(bench: Any) -> None:
    key = bench.add()
    bench.imatag.control("settings", {"processing": 3600})
    with bench.open(image_patience_minutes=0.01) as trial:
        assert trial.run() == {"waiting": 1}
        trial.clock.advance(3600)
        assert trial.run() == {"pushed": 1}
    assert bench.marks(key) == 1


def test_marked_file_at_a_signed_address_is_fetched_without_the_key(bench: Any) -> None:
    key = bench.add()
    bench.imatag.control("settings", {"redirect": True})
    with bench.open() as trial:
        bench.carried(trial, key)
        # The second one asks for the size once more.
        assert trial.asked(service="imatag-files").total() == 2


def test_oauth_application_is_let_in_also_after_its_token_ends(bench: Any) -> None:
    keys = [bench.add(), bench.add()]
    client = {"client_id": "sandbox-imatag-client", "client_secret": f"sandbox-imatag-secret-{SECRET_MARK}"}
    with bench.open(api_key=None, **client) as trial:
        bench.carried(trial, keys[0])
        bench.imatag.control("expire_tokens", {})
        bench.carried(trial, keys[1])
        assert trial.asked("^POST /api/v3/oauth/token").total() == 2


def test_film_comes_back_marked(bench: Any) -> None:
    key = bench.add(b"\0\0\0\x18ftypqt  " + bytes(300_000), "film.mov")
    with bench.open() as trial:
        bench.carried(trial, key)
        assert bench.read(trial, key)["metadata"] == {"bynder_media_id": key}


def test_asset_when_deleted_meanwhile_is_removed_and_nothing_is_sent(bench: Any, paint: Painter) -> None:
    key = bench.add(paint())
    with bench.open() as trial:
        source = bench.listed(trial, key)
        bench.portal.control("delete_asset", {"id": key})
        removed = Removed(key, "it is no longer in the portal")
        assert trial.transform(source) == trial.carry(source) == removed
        assert bench.marks(key) == 0
