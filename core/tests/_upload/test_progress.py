"""The stored form of an upload's progress: written by this version, readable from earlier ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from damlink._checkpoint import UPLOAD_RECORD, FileCheckpoint
from damlink._upload.progress import Conversion, SaveAttempt, UploadProgress, UploadRecord
from damlink._upload.session import UploadSession
from damlink.errors import UploadError

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
TEXT = "2026-01-05T10:00:00+00:00"
CONVERSION = Conversion(id="I1", crc32=7, size=4, filename="a.jpg", since=NOW)
SESSION = UploadSession(upload_id="U1", filename="a.jpg", size=4, part_bytes=4, digests=["d"], crc32=7)
EARLY_SESSION = {"upload_id": "U1", "filename": "a.jpg", "size": 4, "part_bytes": 4, "flow": "v4"} | {
    "target_id": "T",
    "s3_filename": "k",
    "endpoint": "https://s3.example",
    "fields": {"key": "k"},
    "validator": None,
    "digests": ["d"],
    "crc32": 7,
    "closing": False,
}
EARLY_CONVERSION = {"id": "I1", "crc32": 7, "size": 4, "polls": False, "filename": "a.jpg", "since": TEXT}


@pytest.fixture
def checkpoint() -> FileCheckpoint:
    return FileCheckpoint(None)


STEPS: Mapping[str, Any] = {
    "session": SESSION,
    "conversion": CONVERSION,
    "save": SaveAttempt(since=NOW, sizes=(4, 9), filename="a.jpg", tries=2, lost=NOW),
    "saved_id": "M1",
    "base_version": 3,
    "not_ready_since": NOW,
    "kind": "version",
}


@pytest.mark.parametrize("step", STEPS)
def test_progress_when_a_step_is_stored_is_read_as_it_was(checkpoint: FileCheckpoint, step: str) -> None:
    UploadRecord(checkpoint).update(**{step: STEPS[step]})
    assert UploadRecord(checkpoint).progress == UploadProgress(**{step: STEPS[step]})


def test_steps_of_this_test_are_all_there_are() -> None:
    assert set(STEPS) == set(UploadProgress.__annotations__)


def test_update_when_all_steps_are_stored_writes_json_of_format_1(checkpoint: FileCheckpoint) -> None:
    UploadRecord(checkpoint).update(**STEPS)
    stored = json.loads(json.dumps(checkpoint.get(UPLOAD_RECORD)))
    names = {"format", "upload", "import", "save", "saved", "version", "not_ready", "kind"}
    assert (set(stored), stored["format"], stored["not_ready"]) == (names, 1, TEXT)


def test_update_when_nothing_is_left_removes_the_record(checkpoint: FileCheckpoint) -> None:
    UploadRecord(checkpoint).update(saved_id="M1")
    UploadRecord(checkpoint).update(saved_id=None)
    assert checkpoint.get(UPLOAD_RECORD) is None


@pytest.mark.parametrize("place", ["record", "beside the plugin's own"])
def test_progress_when_an_earlier_version_stored_it_is_read(checkpoint: FileCheckpoint, place: str) -> None:
    early = {"upload": EARLY_SESSION, "import": EARLY_CONVERSION, "version": 2, "not_ready": TEXT}
    checkpoint.put(**({UPLOAD_RECORD: early} if place == "record" else early))
    progress = UploadRecord(checkpoint).progress
    assert (progress.base_version, progress.not_ready_since) == (2, NOW)
    assert progress.conversion == Conversion(
        id="I1", crc32=7, size=4, filename="a.jpg", since=NOW, is_polled=False
    )
    assert progress.session is not None
    assert (progress.session.transport, progress.session.digests) == ("s3", ["d"])


@pytest.mark.parametrize(("flow", "transport"), [("v4", "s3"), ("v7", "files_service")])
def test_progress_when_an_earlier_version_named_the_setting_is_of_that_transport(
    checkpoint: FileCheckpoint, flow: str, transport: str
) -> None:
    checkpoint.put(**{UPLOAD_RECORD: {"upload": EARLY_SESSION | {"flow": flow}}})
    session = UploadRecord(checkpoint).progress.session
    assert session is not None
    assert session.transport == transport


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"format": 2}, "newer version"),
        ({"format": 1, "save": {"tries": "x"}}, "cannot be read"),
        ({"format": 1, "upload": []}, "cannot be read"),
    ],
    ids=["newer", "damaged", "of another shape"],
)
def test_progress_when_the_record_cannot_be_read_says_so(
    checkpoint: FileCheckpoint, stored: Mapping[str, Any], message: str
) -> None:
    checkpoint.put(**{UPLOAD_RECORD: stored})
    with pytest.raises(UploadError, match=message):
        _ = UploadRecord(checkpoint).progress


def test_update_when_the_plugin_uses_the_same_names_leaves_them(checkpoint: FileCheckpoint) -> None:
    checkpoint.put(saved="mine", version=7)
    UploadRecord(checkpoint).update(saved_id="M1")
    assert (checkpoint.get("saved"), checkpoint.get("version")) == ("mine", 7)
