from __future__ import annotations

import hashlib
import zlib
from typing import Any

import httpx
import pytest

MIB = 1024 * 1024


def test_upload_when_small_becomes_an_asset_with_its_bytes(client: Any) -> None:
    fields = {"name": "Beach", "tags": "sea, sun,,sea", "description": "D", "copyright": "C"}
    saved = client.save(client.imported(b"sand"), **fields)
    asset = client.state()["assets"][0]
    assert saved.status_code == 201
    assert saved.json()["mediaid"] == asset["id"]
    assert asset["sha256"] == hashlib.sha256(b"sand").hexdigest()
    assert (asset["name"], asset["tags"], asset["filename"]) == ("Beach", ["sea", "sun"], "beach.jpg")
    assert (asset["description"], asset["copyright"], asset["size"]) == ("D", "C", 4)


def test_upload_when_of_three_parts_in_any_order_joins_them_by_number(client: Any) -> None:
    parts = {1: b"a" * 5 * MIB, 2: b"b" * 5 * MIB, 3: b"c"}
    begun = client.begin()
    stored = [begun.store(parts[number], number).status_code for number in (3, 1, 2)]
    registered = [begun.register(number).json() for number in (3, 1, 2)]
    import_id = begun.finalise(3, s3_filename=f"{begun.key}/p3").json()["importId"]
    client.advance(1)
    client.save(import_id)
    assert stored == [201] * 3
    assert registered == [{"status": "ok"}] * 3
    assert client.state()["assets"][0]["sha256"] == hashlib.sha256(b"".join(parts.values())).hexdigest()


def test_register_when_id_is_in_the_form_is_accepted(client: Any) -> None:
    begun = client.begin()
    begun.store(b"x")
    fields = {"id": begun.id, "targetid": begun.target, "filename": f"{begun.key}/p1", "chunkNumber": "1"}
    assert client.portal.post("/api/v4/upload/", data=fields).status_code == 202


def test_register_when_part_is_not_stored_says_not_ready_and_retry(client: Any) -> None:
    answer = client.begin().register()
    assert answer.status_code == 500
    assert answer.json() == {"message": "Upload not ready", "retry": 1, "success": False}


def test_register_when_storage_lags_says_not_ready_until_it_shows(client: Any) -> None:
    client.control("lag", s3=2)
    begun = client.begin()
    begun.store(b"x")
    early = begun.register()
    client.advance(3)
    assert (early.status_code, begun.register().status_code) == (500, 202)


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_finalise_when_number_of_parts_is_wrong_is_refused_for_good(client: Any, chunks: int) -> None:
    begun = client.begin()
    for number in (1, 2):
        begun.store(b"a" * 5 * MIB, number)
        begun.register(number)
    answer = begun.finalise(chunks)
    assert (answer.status_code, answer.json()["retry"]) == (500, 0)


def test_finalise_when_a_number_is_missing_is_refused(client: Any) -> None:
    begun = client.begin()
    for number in (1, 3):
        begun.store(b"a" * 5 * MIB, number)
        begun.register(number)
    assert begun.finalise(2).status_code == 500


def test_finalise_when_a_part_before_the_last_is_small_is_refused(client: Any) -> None:
    begun = client.begin()
    for number in (1, 2):
        begun.store(b"a" * 1000, number)
        begun.register(number)
    assert begun.finalise(2).json()["retry"] == 0


def test_finalise_when_repeated_is_refused_unless_a_test_wants_it(client: Any) -> None:
    begun = client.begin()
    begun.store(b"x")
    begun.register()
    first, second = begun.finalise(), begun.finalise()
    client.control("second_finalise", makes="import")
    third = begun.finalise()
    assert (first.status_code, second.status_code, third.status_code) == (202, 500, 202)
    assert first.json()["importId"] != third.json()["importId"]


@pytest.mark.parametrize("name", ["beach", "", "beach."])
def test_init_when_name_has_no_extension_is_refused_in_plain_text(client: Any, name: str) -> None:
    answer = client.portal.post("/api/upload/init", data={"filename": name})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain")
    assert answer.text == f"""{{"filename":"'{name}' is not a valid filename"}}"""


def test_poll_when_conversion_is_under_way_names_no_id(client: Any) -> None:
    client.control("lag", conversion=100)
    import_id = client.imported()
    early = client.portal.get("/api/v4/upload/poll/", params={"items": import_id}).json()
    client.advance(100)
    late = client.portal.get("/api/v4/upload/poll", params={"items": import_id.lower()}).json()
    assert early == {"itemsDone": [], "itemsFailed": [], "itemsRejected": []}
    assert late["itemsDone"] == [import_id]


def test_poll_when_file_names_say_so_fails_and_rejects(client: Any) -> None:
    failed = client.imported(name="x-fail-conversion.jpg")
    rejected = client.imported(name="rejected.jpg")
    items = f"{failed},{rejected},UNKNOWN"
    answer = client.portal.get("/api/v4/upload/poll/", params={"items": items}).json()
    assert answer == {"itemsDone": [], "itemsFailed": [failed], "itemsRejected": [rejected]}
    assert client.save(failed).status_code == 500


def test_save_when_too_early_answers_303_without_location(client: Any) -> None:
    client.control("lag", conversion=100)
    answer = client.save(client.imported(), name="x")
    assert (answer.status_code, answer.json()["statuscode"]) == (303, "303")
    assert "location" not in answer.headers


def test_save_when_repeated_finds_no_import_unless_a_test_wants_it(client: Any) -> None:
    import_id = client.imported()
    first, second = client.save(import_id), client.save(import_id)
    client.control("second_save", makes="asset")
    third = client.save(import_id)
    assert [first.status_code, second.status_code, third.status_code] == [201, 404, 201]
    assert second.json() == {"message": "Import ID not found", "statuscode": "404"}
    assert client.sandbox.world.counts["saves"] == 2


@pytest.mark.parametrize(
    ("crc32", "status"),
    [(str(zlib.crc32(b"beach")), 201), ("1", 400), ("-1", 400), ("x", 400), (str(2**32), 400)],
    ids=["right", "wrong", "negative", "text", "too large"],
)
def test_save_when_crc32_is_given_checks_it(client: Any, crc32: str, status: int) -> None:
    assert client.save(client.imported(b"beach"), crc32=crc32).status_code == status


def test_save_when_brand_is_unknown_or_missing_in_strict_mode_is_refused(client: Any) -> None:
    import_id = client.imported()
    unknown = client.save(import_id, brandId="00000000-0000-0000-0000000000000000")
    client.control("strict_brand")
    missing = client.save(import_id)
    assert (unknown.status_code, missing.json()["message"]) == (400, "No brandid provided")


def test_save_when_import_is_unknown_or_missing_says_which(client: Any) -> None:
    missing = client.portal.post("/api/v4/media/save/", data={"name": "x"})
    assert (missing.status_code, missing.json()["message"]) == (400, "No importid provided")
    assert client.save("0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6").json()["message"] == "Import ID not found"


@pytest.mark.parametrize(
    ("roles", "audit", "waits"),
    [
        (["MEDIAUPLOAD"], "false", False),
        (["MEDIAUPLOAD"], "true", False),
        (["MEDIAUPLOADFORAPPROVAL"], "false", True),
        (["MEDIAUPLOADFORAPPROVAL"], "true", True),
        (["MEDIAUPLOAD", "MEDIAUPLOADFORAPPROVAL"], "false", False),
        (["MEDIAUPLOAD", "MEDIAUPLOADFORAPPROVAL"], "true", True),
    ],
)
def test_save_when_audited_follows_the_roles(client: Any, roles: list[str], audit: str, waits: bool) -> None:
    client.control("roles", roles=roles)
    answer = client.save(client.imported(), name="x", audit=audit).json()
    assert ("accessRequestId" in answer) is waits
    assert client.state()["assets"][0]["waiting_room"] is waits


def test_save_when_user_may_not_upload_is_denied(client: Any) -> None:
    import_id = client.imported()
    client.control("roles", roles=["MEDIAEDIT"])
    assert client.save(import_id).json() == {"message": "Access denied", "statuscode": "403"}


def test_save_when_sent_as_multipart_reads_the_fields(client: Any) -> None:
    fields = {"name": (None, "Beach"), "tags": (None, "sea,sun")}
    client.portal.post(f"/api/v4/media/save/{client.imported()}", files=fields)
    asset = client.state()["assets"][0]
    assert (asset["name"], asset["tags"]) == ("Beach", ["sea", "sun"])


def test_waiting_room_when_approved_lets_the_asset_out(client: Any) -> None:
    media_id = client.saved(audit="true")
    hidden = client.portal.get(f"/api/v4/media/{media_id}").status_code, client.ids()
    client.control("approve", id=media_id)
    client.advance(1)
    assert hidden == (404, [])
    assert client.portal.get(f"/api/v4/media/{media_id}/").status_code == 200
    assert client.ids() == [media_id]


def test_save_version_when_converted_replaces_the_original_and_ignores_fields(client: Any) -> None:
    media_id = client.saved(b"one", name="Beach")
    path = f"/api/v4/media/{media_id}/save/{client.imported(b'two')}/"
    answer = client.portal.post(path, data={"name": "no"})
    items = client.portal.get(f"/api/v4/media/{media_id}", params={"versions": "1"}).json()["mediaItems"]
    asset = client.state()["assets"][0]
    assert (answer.status_code, answer.json()["mediaid"], asset["name"]) == (201, media_id, "Beach")
    originals = [item for item in items if item["type"] == "original"]
    assert [(item["version"], item["active"]) for item in originals] == [(1, 0), (2, 1)]
    assert asset["sha256"] == hashlib.sha256(b"two").hexdigest()


def test_save_additional_when_parts_are_there_needs_no_poll(client: Any) -> None:
    media_id = client.saved(b"one")
    begun = client.begin("notes.pdf")
    begun.store(b"notes")
    begun.register()
    fields = {"targetid": begun.target, "s3_filename": begun.key, "chunks": "1"}
    answer = client.portal.post(f"/api/v4/media/{media_id}/save/additional/{begun.id}/", data=fields)
    download = client.portal.get(f"/api/v4/media/{media_id}/download/{answer.json()['itemId']}").json()
    assert answer.status_code == 201
    assert httpx.get(download["s3_file"], trust_env=False).content == b"notes"
