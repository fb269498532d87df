"""No original is marked twice: after a lost answer, with a lost database, whatever people do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from damlink import AssetRejectedError, NotYet, TransientError
from damlink_imatag.notes import forget
from damlink_sandbox import Fault
from damlink_sandbox.garbage import GARBAGE

Painter = Callable[..., bytes]
UPLOADS = r"^POST /api/v3/media$"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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
    assert bench.hashes(keys[1])[0] == sha(changed)
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


@pytest.mark.parametrize("copies", [False, True], ids=["", "copies selected too"])
@pytest.mark.parametrize("way", ["new-version", "new-asset", "additional"])
def test_metaproperty_alone_suffices_where_database_and_imatags_record_are_lost(
    bench: Any, way: str, copies: bool
) -> None:
    key = bench.add()
    tags = ("protect",) if copies else ("Imatag",)
    with bench.open(deliver_as=way, new_asset_tags=tags) as trial:
        trial.run()
    before = bench.portal.state()["assets"]
    with bench.open("another", deliver_as=way, media_id_metadata="former") as trial:
        assert trial.run().keys() == {"skipped"}
    assert (bench.marks(key), bench.portal.state()["assets"]) == (1, before)


@pytest.mark.parametrize("active", [0, 1], ids=["the original", "the marked file"])
def test_metaproperty_when_both_versions_change_places_still_holds_either(bench: Any, active: int) -> None:
    key = bench.add()
    with bench.open() as trial:
        trial.run()
        bench.portal.control("change_asset", {"id": key, "version": 1 + active})
    with bench.open("another", media_id_metadata="former") as trial:
        assert trial.run() == {"skipped": 1}
    assert bench.marks(key) == 1


@pytest.mark.parametrize("value", ["{}", " {} ", "sha256: {}"], ids=["as written before", "spaces", "a word"])
def test_hash_that_stands_alone_is_that_of_the_original(bench: Any, paint: Painter, value: str) -> None:
    original = paint()
    key = bench.add(original)
    with bench.open() as trial:
        trial.connector.check(trial.context)
        wanted = trial.context.bynder.metaproperties.ensure("imatag_hash", type="text")
        given = value.format(sha(original).upper())
        trial.context.bynder.assets.modify(key, metaproperties={wanted.id: given})
        assert trial.run() == {"skipped": 1}
    assert bench.marks(key) == 0


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
    assert (bench.marks(key), bench.hashes(key)[0]) == (1, sha(original))


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
        bench.carried(trial, key)
        assert trial.asked(UPLOADS).total() == 1
    assert bench.marks(key) == 1


UNCLEAR = {
    **{kind: {"kind": "garble", "garbage": kind} for kind in GARBAGE if kind != "other-type"},
    **{
        f"{status} of a gateway": {"kind": "status-after", "status": status, "body": "<html>"}
        for status in (302, 400, 401, 403, 404, 408, 409, 413, 502)
    },
    "hang": {"kind": "hang", "seconds": 0.01},
}


@pytest.mark.parametrize("answer", UNCLEAR.values(), ids=UNCLEAR)
def test_upload_whose_answer_is_unclear_is_looked_for_and_not_sent_again(
    bench: Any, answer: dict[str, Any]
) -> None:
    key = bench.add()
    with bench.open() as trial:
        source = bench.listed(trial, key)
        bench.sandbox.world.faults.add(Fault("imatag", "POST /api/v3/media", **answer))
        with pytest.raises(NotYet, match="looking whether Imatag has it"):
            trial.connector.transform(trial.context, source, None, trial.checkpoint(source))
        trial.clock.advance(6)
        prepared = trial.connector.transform(trial.context, source, None, trial.checkpoint(source))
        prepared.content.close()
        assert (trial.asked(UPLOADS).total(), bench.marks(key)) == (1, 1)


@pytest.mark.parametrize(
    "note",
    [
        {},
        {"ended": "2001-01-01T00:00:00+00:00"},
        {"ended": "2001-01-01T00:00:00+00:00", "process": "another"},
    ],
    ids=["not noticed", "noticed by an earlier version", "noticed by a process whose clock is behind"],
)
def test_upload_that_a_killed_process_has_sent_for_minutes_is_searched_for_some_seconds_later(
    bench: Any, note: dict[str, str]
) -> None:
    key = bench.add()
    with bench.open() as trial:
        source = bench.listed(trial, key)
        checkpoint = trial.checkpoint(source)
        checkpoint.put(sending={"lost": 0, "taken": []} | note)  # noted before the upload, minutes ago
        with pytest.raises(NotYet, match="looking whether Imatag has it") as early:
            trial.connector.transform(trial.context, source, None, checkpoint)
        assert (early.value.retry_after, trial.asked(UPLOADS).total()) == (5.0, 0)
        trial.clock.advance(6)
        trial.connector.transform(trial.context, source, None, checkpoint).content.close()
    assert bench.marks(key) == 1


def test_upload_that_keeps_failing_fails_the_asset_and_is_tried_again_later(bench: Any) -> None:
    key = bench.add()
    with bench.open() as trial:
        bench.sandbox.world.faults.add(Fault("imatag", "POST /api/v3/media", status=500, times=3))
        source = bench.listed(trial, key)
        for _ in range(2):
            with pytest.raises(NotYet):
                trial.connector.transform(trial.context, source, None, trial.checkpoint(source))
            trial.clock.advance(6)
        with pytest.raises(TransientError, match="keeps failing"):
            trial.connector.transform(trial.context, source, None, trial.checkpoint(source))
        trial.clock.advance(6)
        bench.carried(trial, key)
    assert bench.marks(key) == 1


def test_media_that_is_ready_but_cannot_be_fetched_yet_is_waited_for(bench: Any) -> None:
    key = bench.add()
    bench.sandbox.world.faults.add(Fault("imatag", "GET .*/watermarked/", status=409, times=1))
    with bench.open() as trial:
        bench.carried(trial, key)
    assert bench.marks(key) == 1


def test_path_that_is_taken_is_passed_by(bench: Any, paint: Painter) -> None:
    key = bench.add(paint())
    bench.imatag.control("settings", {"failing": 1})
    with bench.open() as trial:
        assert trial.run() == {"rejected": 1}
        bench.carried(trial, key)  # as after `damlink retry`: the failed media still has its path
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
        bench.carried(trial, key)
    assert bench.marks(key) == 1


def test_name_that_is_taken_by_what_the_search_never_shows_is_passed_by(bench: Any, paint: Painter) -> None:
    key = bench.add()
    with bench.open(media_id_metadata="former") as trial:
        bench.carried(trial, key)
        trial.context.bynder.assets.modify(key, metaproperties={"imatag_hash": ""})
        bench.portal.control("change_asset", {"id": key, "version": 1})
    with bench.open("another") as trial:
        bench.carried(trial, key)
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
            trial.transform(bench.listed(trial, special))
    assert (bench.marks(special), bench.marks(plain)) == (0, 1)


def test_hash_is_written_also_where_a_person_has_said_that_the_marked_file_arrived(
    bench: Any, paint: Painter
) -> None:
    original = paint()
    key = bench.add(original)
    with bench.open() as trial:
        source = bench.listed(trial, key)
        bench.carried(trial, key)
        trial.context.bynder.assets.modify(key, metaproperties={"imatag_hash": ""})
        forget(trial.checkpoint(source))  # as `damlink settle` leaves it
        assert trial.run().keys() == {"skipped"}
    assert (bench.marks(key), bench.hashes(key)[0]) == (1, sha(original))


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
        bench.carried(trial, key)  # as after `damlink retry`
        assert bench.read(trial, key)["metadata"] == {"bynder_media_id": key}
    assert (bench.marks(key), len(bench.asset(key)["versions"])) == (1, 3)
