"""From the portal to Imatag and back, step by step and in whole runs: once, and the right bytes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from damlink import AssetRejectedError, NotYet, PreparedAsset, PushResult, SourceAsset, TransientError
from damlink.sandbox import Fault
from damlink.testing import Trial
from damlink_imatag.delivery import MANIFEST_LOST
from damlink_imatag.measure import MANIFEST
from damlink_imatag.notes import forget

Painter = Callable[..., bytes]
UPLOADS = r"^POST /api/v3/media$"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def listed(trial: Trial, key: str) -> SourceAsset:
    return next(source for source in trial.source_assets() if source.source_id == key)


def carried(trial: Trial, key: str) -> PushResult:
    result = trial.carry(listed(trial, key))
    assert isinstance(result, PushResult)
    return result


def shapes(asset: dict[str, Any]) -> tuple[int, int]:
    return len(asset["versions"]), len(asset["additionals"])


# --- the three ways --------------------------------------------------------------------------------


def test_new_version_is_the_marked_file_and_the_hash_that_of_the_original(bench: Any, paint: Painter) -> None:
    original = paint()
    key = bench.add(original)
    with bench.open() as trial:
        assert trial.run() == {"pushed": 1}
        assert bench.read(trial, key)["metadata"] == {"bynder_media_id": key}
    asset = bench.asset(key)
    assert shapes(asset) == (2, 0)
    assert asset["metaproperties"] == {"imatag_hash": sha(original)}
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
    assert bench.asset(key)["metaproperties"]["imatag_hash"] == sha(original)
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
    assert (asset["sha256"], asset["metaproperties"]["imatag_hash"]) == (sha(original), sha(original))


# --- never twice -----------------------------------------------------------------------------------


@pytest.mark.parametrize("delta", [True, False], ids=["delta", "the whole listing"])
def test_only_the_original_that_changed_is_marked_again(bench: Any, paint: Painter, delta: bool) -> None:
    keys = [bench.add(paint(size=(160 + 8 * number, 96))) for number in range(3)]
    with bench.open(delta=delta) as trial:
        assert trial.run() == {"pushed": 3}
        assert trial.run() == {}
        changed = paint(size=(96, 160))
        bench.replace(trial, keys[1], changed)
        assert trial.run() == {"pushed": 1}
        assert trial.run() == {}
    assert [bench.marks(key) for key in keys] == [1, 2, 1]
    assert bench.asset(keys[1])["metaproperties"]["imatag_hash"] == sha(changed)
    assert len(bench.asset(keys[1])["versions"]) == 4


def test_metadata_that_somebody_changes_is_no_reason_to_download_anything(bench: Any) -> None:
    key = bench.add()
    with bench.open() as trial:
        trial.run()
        before = trial.asked(r"^GET /download/", "s3").total()
        bench.portal.control("change_asset", {"id": key, "description": "another"})
        assert trial.run() == {}
        assert trial.asked(r"^GET /download/", "s3").total() == before


@pytest.mark.parametrize("way", ["new-version", "new-asset", "additional"])
def test_lost_database_makes_no_second_mark(bench: Any, way: str) -> None:
    key = bench.add()
    with bench.open(deliver_as=way) as trial:
        trial.run()
    before = bench.asset(key)
    with bench.open("another", deliver_as=way) as trial:
        assert trial.run() == {"skipped": 1}
    assert (bench.marks(key), bench.asset(key)) == (1, before)


def test_hash_that_a_crash_has_kept_from_being_written_is_written_by_the_next_database(
    bench: Any, paint: Painter
) -> None:
    original = paint()
    key = bench.add(original)
    with bench.open() as trial:
        trial.run()
        trial.context.bynder.assets.modify(key, metaproperties={"imatag_hash": ""})
    with bench.open("another") as trial:
        assert trial.run() == {"skipped": 1}
    assert (bench.marks(key), bench.asset(key)["metaproperties"]["imatag_hash"]) == (1, sha(original))


def test_marked_file_that_somebody_uploads_as_another_asset_is_never_sent(bench: Any, paint: Painter) -> None:
    key = bench.add(paint("PNG"), "photo.png")
    with bench.open() as trial:
        trial.run()
        marked = b"".join(trial.context.bynder.assets.content(key).open())
        again = bench.add(marked, "copy.png")
        assert trial.run() == {"skipped": 1}
        assert trial.asked(UPLOADS).total() == 1
    assert bench.marks(again) == 0


def test_upload_whose_answer_is_lost_is_looked_for_and_not_sent_again(bench: Any) -> None:
    key = bench.add()
    with bench.open() as trial:
        bench.sandbox.world.faults.add(Fault("imatag", "POST /api/v3/media", "cut-after"))
        carried(trial, key)
        assert trial.asked(UPLOADS).total() == 1
    assert bench.marks(key) == 1


def test_upload_that_keeps_failing_fails_the_asset_and_is_tried_again_later(bench: Any) -> None:
    key = bench.add()
    with bench.open() as trial:
        bench.sandbox.world.faults.add(Fault("imatag", "POST /api/v3/media", status=500, times=3))
        source = listed(trial, key)
        for _ in range(2):
            with pytest.raises(NotYet):
                trial.connector.transform(trial.context, source, None, trial.checkpoint(source))
            trial.clock.advance(6)
        with pytest.raises(TransientError, match="keeps failing"):
            trial.connector.transform(trial.context, source, None, trial.checkpoint(source))
        trial.clock.advance(6)
        carried(trial, key)
    assert bench.marks(key) == 1


def test_media_that_is_ready_but_cannot_be_fetched_yet_is_waited_for(bench: Any) -> None:
    key = bench.add()
    bench.sandbox.world.faults.add(Fault("imatag", "GET .*/watermarked/", status=409, times=1))
    with bench.open() as trial:
        carried(trial, key)
    assert bench.marks(key) == 1


def test_newer_version_that_comes_while_imatag_works_is_marked_and_not_buried(
    bench: Any, paint: Painter
) -> None:
    key, newer = bench.add(), paint(size=(96, 160))
    with bench.open() as trial:
        source = listed(trial, key)
        prepared = trial.transform(source)
        assert isinstance(prepared, PreparedAsset)
        bench.replace(trial, key, newer)
        trial.push(prepared, source)
        prepared.content.close()
        found = bench.read(trial, key)
    asset = bench.asset(key)
    assert (found["sha256"], asset["versions"][1]["sha256"]) == (sha(newer), sha(newer))
    assert (len(asset["versions"]), asset["metaproperties"]["imatag_hash"]) == (3, sha(newer))


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


def test_path_that_is_taken_is_passed_by(bench: Any, paint: Painter) -> None:
    key = bench.add(paint())
    bench.imatag.control("settings", {"failing": 1})
    with bench.open() as trial:
        assert trial.run() == {"rejected": 1}
        carried(trial, key)  # as after `damlink retry`: the failed media still has its path
    paths = [media["path"] for media in bench.imatag.state()["media"]]
    first = f"acme/bynder/photo-{key}-v1-{len(paint())}"
    assert paths == [f"{first}.jpg", f"{first}-2.jpg"]


def test_name_that_is_taken_by_an_upload_the_search_does_not_show_yet_is_no_reason_for_another(
    bench: Any,
) -> None:
    key = bench.add()
    nothing = '{"count": 0, "next": null, "previous": null, "media": []}'
    bench.sandbox.world.faults.add(Fault("imatag", "POST /api/v3/media", "cut-after"))
    bench.sandbox.world.faults.add(Fault("imatag", "GET .*/media/", status=200, body=nothing, times=3))
    with bench.open() as trial:
        carried(trial, key)
    assert bench.marks(key) == 1


def test_name_that_is_taken_by_what_the_search_never_shows_is_passed_by(bench: Any, paint: Painter) -> None:
    key = bench.add()
    with bench.open(media_id_metadata="former") as trial:
        carried(trial, key)
        trial.context.bynder.assets.modify(key, metaproperties={"imatag_hash": ""})
        bench.portal.control("change_asset", {"id": key, "version": 1})
    with bench.open("another") as trial:
        carried(trial, key)
    assert bench.imatag.state()["media"][-1]["path"].endswith("-2.jpg")


@pytest.mark.parametrize(
    ("state", "role"), [("limited", "KEYVISUALSDOWNLOAD"), ("watermarked", "DOWNLOADWATERMARK")]
)
def test_asset_that_takes_another_right_is_rejected_alone(bench: Any, state: str, role: str) -> None:
    special, plain = bench.add(), bench.add()
    bench.portal.control("change_asset", {"id": special, state: True})
    refused = Fault("portal", f"/media/{special}/download", status=403, times=0)
    bench.sandbox.world.faults.add(refused)
    with bench.open() as trial:
        assert trial.run() == {"pushed": 1, "rejected": 1}
        with pytest.raises(AssetRejectedError, match=role):
            trial.transform(listed(trial, special))
    assert (bench.marks(special), bench.marks(plain)) == (0, 1)


def test_hash_is_written_also_where_a_person_has_said_that_the_marked_file_arrived(
    bench: Any, paint: Painter
) -> None:
    original = paint()
    key = bench.add(original)
    with bench.open() as trial:
        source = listed(trial, key)
        carried(trial, key)
        trial.context.bynder.assets.modify(key, metaproperties={"imatag_hash": ""})
        forget(trial.checkpoint(source))  # as `damlink settle` leaves it
        assert trial.run().keys() == {"skipped"}
    assert (bench.marks(key), bench.asset(key)["metaproperties"]["imatag_hash"]) == (1, sha(original))


def test_original_that_is_active_again_or_uploaded_again_is_left_alone(bench: Any, paint: Painter) -> None:
    original = paint()
    key = bench.add(original)
    with bench.open() as trial:
        trial.run()
        bench.portal.control("change_asset", {"id": key, "version": 1})
        assert trial.run() == {}
        bench.replace(trial, key, original)
        assert trial.run() == {"skipped": 1}
    assert (bench.marks(key), len(bench.asset(key)["versions"])) == (1, 3)


def test_original_that_is_active_again_gets_its_first_mark_back_on_request(bench: Any) -> None:
    key = bench.add()
    with bench.open() as trial:
        trial.run()
        bench.portal.control("change_asset", {"id": key, "version": 1})
        trial.context.bynder.assets.modify(key, metaproperties={"imatag_hash": ""})
        carried(trial, key)  # as after `damlink retry`
        assert bench.read(trial, key)["metadata"] == {"bynder_media_id": key}
    assert (bench.marks(key), len(bench.asset(key)["versions"])) == (1, 3)


# --- the quality gate ------------------------------------------------------------------------------


def test_marked_file_without_a_mark_is_rejected(bench: Any) -> None:
    key = bench.add()
    bench.imatag.control("settings", {"identical": True})
    with bench.open() as trial, pytest.raises(AssetRejectedError, match="same as the original"):
        carried(trial, key)
    assert shapes(bench.asset(key)) == (1, 0)


def test_picture_that_imatag_cannot_read_is_rejected_with_its_reason(bench: Any) -> None:
    key = bench.add(b"\xff\xd8\xff and no more")
    with (
        bench.open() as trial,
        pytest.raises(AssetRejectedError, match="could not mark it: the image cannot"),
    ):
        carried(trial, key)


def test_type_that_imatag_does_not_take_is_rejected(bench: Any) -> None:
    key = bench.add(b"%!PS-Adobe", "drawing.eps")
    with bench.open() as trial, pytest.raises(AssetRejectedError, match="415"):
        carried(trial, key)


def test_marked_file_that_is_gone_is_not_made_again_without_a_word(bench: Any) -> None:
    key = bench.add()
    with bench.open() as trial:
        source = listed(trial, key)
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
        assert carried(trial, key).notice == MANIFEST_LOST


def test_half_a_marked_file_is_not_delivered(bench: Any) -> None:
    key = bench.add()
    with bench.open() as trial:
        bench.sandbox.world.faults.add(Fault("imatag", "GET .*/watermarked/", "truncate", times=0))
        with pytest.raises(TransientError):
            carried(trial, key)
    assert shapes(bench.asset(key)) == (1, 0)


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
        carried(trial, key)
        assert trial.asked(service="imatag-files").total() == 1


def test_oauth_application_is_let_in_also_after_its_token_ends(bench: Any) -> None:
    keys = [bench.add(), bench.add()]
    client = {"client_id": "sandbox-imatag-client", "client_secret": "sandbox-imatag-secret"}
    with bench.open(api_key=None, **client) as trial:
        carried(trial, keys[0])
        bench.imatag.control("expire_tokens", {})
        carried(trial, keys[1])
        assert trial.asked("^POST /api/v3/oauth/token").total() == 2


def test_film_comes_back_marked(bench: Any) -> None:
    key = bench.add(b"\0\0\0\x18ftypqt  " + bytes(300_000), "film.mov")
    with bench.open() as trial:
        carried(trial, key)
        assert bench.read(trial, key)["metadata"] == {"bynder_media_id": key}
