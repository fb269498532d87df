"""A save that got no answer is never forgotten, and never sent again before it could have been seen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest
from ports import free_port

from damlink import Content, Portal, PreparedAsset, PushResult, Secret
from damlink._checkpoint import UPLOAD_RECORD, FileCheckpoint
from damlink._http.bearer import BearerAuth
from damlink._upload.lookup import Marker
from damlink._upload.progress import UploadRecord
from damlink._upload.save import TRIES_A_ROUND, Destination, LostUploadError, Saver
from damlink.bynder.resources.uploads import Uploads
from damlink.errors import BynderAuthError, BynderError, NotYet, TransientError, UnclearError
from damlink_sandbox import Fault, Sandbox

LAG = 5.0
SINCE = "2026-01-05T10:00:00+00:00"
EARLIER = {"since": SINCE, "lost": SINCE, "sizes": [4], "filename": "beach.jpg", "tries": 1}
FACTS: Mapping[str, Any] = {"size": 4, "filename": "beach.jpg"}
CLOSING = {"asset_id": "A1", "target_id": "t", "s3_filename": "k", "chunks": 1}

SENDS: Mapping[str, tuple[Callable[[Uploads], Any], Destination]] = {
    "save": (lambda uploads: uploads.save("I1"), Destination(marker=Marker(tag="7"))),
    "version": (lambda uploads: uploads.save_version("A1", import_id="I1"), Destination(version_of="A1")),
    "additional": (
        lambda uploads: uploads.save_additional("A1", file_id="I1"),
        Destination(additional_to="A1"),
    ),
    "closed into an additional": (
        lambda uploads: uploads.finalise_additional("U1", **CLOSING),
        Destination(additional_to="A1"),
    ),
}


@attrs.frozen
class Outcome:
    """How one attempt ends: the answer, what is raised after nothing, and after one without an answer."""

    answer: Mapping[str, Any]
    first: type[Exception]
    later: type[Exception]
    is_unclear: bool = False


EXPIRED = b"Invalid or expired token."
PAGE = b"<html>gateway</html>"
FAILED = b'{"mediaid": "A1", "success": false}'


def said(words: str, **more: Any) -> bytes:
    return json.dumps({"message": words, **more}).encode()


OUTCOMES = {
    "401": Outcome({"status": 401, "body": EXPIRED}, BynderAuthError, BynderAuthError),
    "403": Outcome({"status": 403, "body": said("Access denied")}, BynderAuthError, BynderAuthError),
    "404": Outcome({"status": 404, "body": said("Import ID not found")}, LostUploadError, UnclearError),
    "429": Outcome({"status": 429, "headers": {"Retry-After": "0"}}, TransientError, TransientError),
    "400": Outcome({"status": 400, "body": said("No brandid provided")}, BynderError, BynderError),
    "400 checksum": Outcome({"status": 400, "body": said("CRC32 differs")}, LostUploadError, LostUploadError),
    "303": Outcome({"status": 303, "body": said("Import not converted yet")}, NotYet, NotYet),
    "500 that asks for a repeat": Outcome(
        {"status": 500, "body": said("Upload not ready", retry=1)}, TransientError, TransientError
    ),
    "500": Outcome({"status": 500}, NotYet, NotYet, is_unclear=True),
    **{
        f"{status} of a gateway": Outcome({"status": status, "body": PAGE}, NotYet, NotYet, is_unclear=True)
        for status in (303, 401, 403, 404, 502)
    },
    **{
        f"201 with {name}": Outcome({"status": 201, "body": body}, NotYet, NotYet, is_unclear=True)
        for name, body in {"a page": PAGE, "nothing": b"", "no id": b"{}", "no success": FAILED}.items()
    },
    **{
        f"201 with {body.decode()}": Outcome({"status": 201, "body": body}, NotYet, NotYet, is_unclear=True)
        for body in (b"{}", b"null", b"[]", b'{"mediaid":null}', b'{"success":false,"mediaid":"M1"}')
    },
    "broken": Outcome({"cut": -1}, NotYet, NotYet, is_unclear=True),
    "half an answer": Outcome({"status": 201, "body": b'{"med', "cut": 3}, NotYet, NotYet, is_unclear=True),
}


def now() -> datetime:
    return datetime.now(UTC)


def saver(portal: Portal) -> Saver:
    return Saver(portal.uploads, portal.assets, now=now, index_lag=LAG)


@pytest.fixture
def notes() -> FileCheckpoint:
    return FileCheckpoint(None)


def note(notes: FileCheckpoint, save: Any) -> UploadRecord:
    """Write a save as a version without `format` did."""
    notes.put(**{UPLOAD_RECORD: {"save": save} if save else None})
    return UploadRecord(notes)


def noted_save(notes: FileCheckpoint) -> Any:
    return (notes.get(UPLOAD_RECORD) or {}).get("save")


def look_up(portal: Portal, record: UploadRecord) -> str | None:
    attempt = record.progress.save
    assert attempt is not None
    return saver(portal).look_up(record, attempt, SENDS["save"][1])


@pytest.fixture(params=SENDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return SENDS[request.param]


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
def test_attempt_when_it_is_the_first_is_noted_only_if_it_may_have_happened(
    served: Portal, server: Any, notes: FileCheckpoint, kind: Any, outcome: Outcome
) -> None:
    send, to = kind
    server.always(**outcome.answer)
    with pytest.raises(outcome.first):
        saver(served).attempt(UploadRecord(notes), to, lambda: send(served.uploads), **FACTS)
    assert bool(noted_save(notes)) == outcome.is_unclear


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
def test_attempt_when_an_earlier_one_got_no_answer_never_forgets_that(
    served: Portal, server: Any, notes: FileCheckpoint, kind: Any, outcome: Outcome
) -> None:
    send, to = kind
    note(notes, EARLIER)
    server.always(**outcome.answer)
    with pytest.raises(outcome.later):
        saver(served).attempt(UploadRecord(notes), to, lambda: send(served.uploads), **FACTS)
    noted = noted_save(notes)
    assert (noted["since"], noted["tries"]) == (SINCE, 1 + outcome.is_unclear)


@pytest.mark.parametrize("earlier", [None, EARLIER], ids=["first", "later"])
def test_attempt_when_it_never_leaves_changes_no_note(
    served: Portal, notes: FileCheckpoint, kind: Any, earlier: Any
) -> None:
    send, to = kind
    note(notes, earlier)
    with (
        Portal(f"http://127.0.0.1:{free_port()}", httpx.Auth(), pace=None) as absent,
        pytest.raises(TransientError, match="cannot reach"),
    ):
        saver(served).attempt(UploadRecord(notes), to, lambda: send(absent.uploads), **FACTS)
    assert noted_save(notes) == earlier


def test_attempt_when_the_source_has_changed_since_the_earlier_one_looks_for_either_size(
    served: Portal, server: Any, notes: FileCheckpoint
) -> None:
    send, to = SENDS["save"]
    note(notes, EARLIER)
    server.always(500)
    with pytest.raises(NotYet):
        saver(served).attempt(UploadRecord(notes), to, lambda: send(served.uploads), **(FACTS | {"size": 9}))
    assert noted_save(notes)["sizes"] == [4, 9]


def test_attempt_when_no_try_of_a_round_is_answered_leaves_the_next_to_a_later_one(
    served: Portal, server: Any, notes: FileCheckpoint
) -> None:
    send, to = SENDS["save"]
    note(notes, EARLIER | {"tries": TRIES_A_ROUND - 1})
    server.always(500)
    with pytest.raises(TransientError, match="answered none of 4 saves"):
        saver(served).attempt(UploadRecord(notes), to, lambda: send(served.uploads), **FACTS)
    assert noted_save(notes)["tries"] == TRIES_A_ROUND


# --- when to look ----------------------------------------------------------------------------------


@pytest.mark.parametrize("age", [0, 301, 3600], ids=["at once", "after a 429", "after an hour"])
def test_look_up_when_its_process_was_killed_waits_from_the_takeover(
    served: Portal, server: Any, notes: FileCheckpoint, age: float
) -> None:
    noted = EARLIER | {"since": (now() - timedelta(seconds=age)).isoformat(), "lost": None}
    note(notes, {name: value for name, value in noted.items() if value})
    with pytest.raises(NotYet) as early:
        look_up(served, UploadRecord(notes))
    assert early.value.retry_after == pytest.approx(LAG, abs=0.5)
    assert server.asked == []


@pytest.mark.parametrize(
    ("lost", "left"), [(-2.0, 3.0), (600.0, LAG)], ids=["two seconds ago", "by a clock that was set back"]
)
def test_look_up_when_the_loss_was_noted_waits_for_the_rest(
    served: Portal, notes: FileCheckpoint, lost: float, left: float
) -> None:
    note(notes, EARLIER | {"lost": (now() + timedelta(seconds=lost)).isoformat()})
    with pytest.raises(NotYet) as early:
        look_up(served, UploadRecord(notes))
    assert early.value.retry_after == pytest.approx(left, abs=0.5)


def test_look_up_when_an_earlier_version_noted_it_looks_for_its_size(
    served: Portal, server: Any, notes: FileCheckpoint
) -> None:
    found = {"id": "M1", "tags": ["7"], "fileSize": 4, "dateCreated": SINCE}
    server.always(200, httpx.Response(200, json=[found]).content)
    note(notes, {"since": SINCE, "size": 4, "filename": "beach.jpg", "tries": 1, "lost": SINCE})
    assert look_up(served, UploadRecord(notes)) == "M1"


@pytest.mark.parametrize(
    "noted",
    [
        {"save": EARLIER, "import": {"id": "I1", "crc32": 1}, "version": 2},
        {"upload": {"upload_id": "U1", "part_bytes": 5}},
        {"save": EARLIER, "saved": "M1"},
    ],
    ids=["saving", "sending", "saved"],
)
def test_notes_of_an_earlier_version_become_the_record_of_the_upload(
    notes: FileCheckpoint, noted: Mapping[str, Any]
) -> None:
    notes.put(**noted, licence=1)
    UploadRecord(notes)
    assert notes.get(UPLOAD_RECORD) == noted
    assert {name: notes.get(name) for name in (*noted, "licence")} == dict.fromkeys(noted) | {"licence": 1}


def test_notes_of_a_plugin_that_are_called_alike_stay_its_own(notes: FileCheckpoint) -> None:
    notes.put(save="mine", version=3, upload={"id": 1})
    UploadRecord(notes).update(base_version=2)
    assert (notes.get("save"), notes.get("version"), notes.get("upload")) == ("mine", 3, {"id": 1})


# --- whole uploads ---------------------------------------------------------------------------------


WHERE: Mapping[str, tuple[Any, str, str]] = {
    "save": ("v4", "", "POST /api/v4/media/save/"),
    "version": ("v4", "version_of", "POST /api/v4/media/[^/]+/save/"),
    "additional": ("v7", "additional_to", "POST /api/v4/media/[^/]+/save/additional/"),
    "closed into an additional": ("v4", "additional_to", "POST /api/v4/media/[^/]+/save/additional/"),
}
REFUSALS = {
    "401": ({"status": 401, "body": EXPIRED.decode()}, BynderAuthError),
    "403": ({"status": 403, "body": said("Access denied").decode()}, BynderAuthError),
    "404": ({"status": 404, "body": said("Import ID not found").decode()}, UnclearError),
    "429": ({"status": 429, "times": 0, "headers": {"Retry-After": "0"}}, TransientError),
}


@attrs.frozen
class Bench:
    """One upload and the portal that it goes to."""

    sandbox: Sandbox
    portal: Portal
    notes: FileCheckpoint
    match: str
    tag: str
    where: Mapping[str, str]

    def carry(self) -> PushResult:
        """Go on until there is an end, good or bad."""
        prepared = PreparedAsset(Content.from_bytes(b"%PDF sand", "beach.pdf"), name="b", tags=(self.tag,))
        while True:
            try:
                return self.portal.upload(prepared, self.notes, marker=self.tag, **self.where)
            except NotYet as early:
                time.sleep(min(early.retry_after or 0.0, 0.1))

    def strike(self, **fault: Any) -> None:
        """Script a failure of the save."""
        self.sandbox.world.faults.add(Fault(service="portal", match=self.match, **fault))

    def files(self) -> int:
        """How many files the portal has got by this upload."""
        assets = [each for each in self.sandbox.part("bynder").state()["assets"] if self.tag in each["tags"]]
        beside = [file for each in assets for file in (*each["versions"][1:], *each["additionals"])]
        return len(beside) if self.where else len(assets)


@pytest.fixture(params=WHERE)
def bench(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    tag: str,
    notes: FileCheckpoint,
    control: Any,
    hurried: None,
) -> Iterator[Bench]:
    flow, beside, match = WHERE[request.param]
    control("lag", conversion=0, index=0, s3=0)
    sandbox.world.faults.clear()
    where = {beside: control("add_asset", text="first", tags=[tag])["id"]} if beside else {}
    auth = BearerAuth(Secret(sandbox.part("bynder").token))
    with Portal(sandbox.origins["portal"], auth, uploads=flow, index_lag=0.0, pace=None) as opened:
        yield Bench(sandbox, opened, notes, match, tag, where)
    sandbox.world.faults.clear()
    control("lag", index=0)


@pytest.mark.parametrize(("refusal", "expected"), REFUSALS.values(), ids=REFUSALS)
def test_upload_when_refused_after_a_save_without_an_answer_still_looks_for_that_one(
    bench: Bench, refusal: Mapping[str, Any], expected: type[Exception]
) -> None:
    bench.strike(kind="cut")
    bench.strike(**refusal)
    with pytest.raises(expected):
        bench.carry()
    assert bench.notes.get(UPLOAD_RECORD)["save"]["tries"] == 1
    bench.sandbox.world.faults.clear()
    bench.carry()
    assert bench.files() == 1


@pytest.mark.parametrize("bench", ["save"], indirect=True)
@pytest.mark.parametrize(("refusal", "expected"), REFUSALS.values(), ids=REFUSALS)
def test_upload_when_the_lost_save_shows_after_the_refusal_takes_it(
    bench: Bench, control: Any, refusal: Mapping[str, Any], expected: type[Exception]
) -> None:
    control("lag", index=3600)
    bench.strike(kind="cut-after")
    bench.strike(**refusal)
    with pytest.raises(expected):
        bench.carry()
    bench.sandbox.world.faults.clear()
    bench.sandbox.world.clock.advance(3600)
    result = bench.carry()
    assert bench.files() == 1
    assert result.target_id
