"""The steps of an upload that is recorded in a ledger, by one run after another."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_uploads import NextRun, backend, calm, next_run

from damlink import Content, Portal, PreparedAsset
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.ledger import Ledger
from damlink._upload.progress import UploadProgress, UploadRecord
from damlink.errors import DamlinkError, LeaseLostError, NotYet
from damlink_sandbox import Fault, Sandbox

__all__ = ["backend", "calm", "next_run"]

SIZE = 30_000_000  # four parts of 8 MiB
NewRun = Callable[[], Ledger]


@pytest.fixture
def film(tmp_path: Path, tag: str) -> PreparedAsset:
    path = tmp_path / "film.mov"
    path.write_bytes(random.Random(9).randbytes(SIZE))
    return PreparedAsset(Content.from_path(path), name="film", tags=(tag,))


def progress_of(checkpoint: LedgerCheckpoint) -> UploadProgress:
    return UploadRecord(checkpoint).progress


def sums(sandbox: Sandbox, tag: str) -> list[str]:
    """The digests of the assets with a tag."""
    return [each["sha256"] for each in sandbox.part("bynder").state()["assets"] if tag in each["tags"]]


def upload(portal: Portal, film: PreparedAsset, checkpoint: LedgerCheckpoint) -> str:
    """Upload until the portal has it."""
    while True:
        try:
            return portal.upload(film, checkpoint).target_id
        except NotYet:
            continue


def test_upload_when_a_run_breaks_off_is_resumed_by_the_next_part_by_part(
    portal: Portal, sandbox: Sandbox, film: PreparedAsset, next_run: NextRun, tag: str
) -> None:
    sandbox.world.faults.add(Fault("portal", "POST /api/v4/upload/", status=401, skip=2, times=0))
    with pytest.raises(DamlinkError):
        portal.upload(film, next_run())
    sandbox.world.faults.clear()
    again, before = next_run(), sandbox.world.counts["parts"]
    session = progress_of(again).session
    assert session is not None
    assert len(session.digests) == 2
    saved = upload(portal, film, again)
    assert sandbox.world.counts["parts"] - before == 2
    assert progress_of(next_run()).saved_id == saved
    assert sums(sandbox, tag) == [hashlib.sha256(b"".join(film.content.open())).hexdigest()]


def test_upload_when_it_is_converted_resumes_at_the_save(
    portal: Portal, sandbox: Sandbox, film: PreparedAsset, next_run: NextRun
) -> None:
    denied = '{"message": "Access denied", "statuscode": "403"}'
    sandbox.world.faults.add(Fault("portal", "POST /api/v4/media/save/", status=403, body=denied, times=0))
    with pytest.raises(DamlinkError, match="403"):
        upload(portal, film, next_run())
    sandbox.world.faults.clear()
    again, before = next_run(), sandbox.world.counts["parts"]
    assert progress_of(again).conversion is not None
    upload(portal, film, again)
    assert sandbox.world.counts["parts"] == before


def test_upload_when_another_run_takes_over_saves_nothing(
    portal: Portal, sandbox: Sandbox, film: PreparedAsset, next_run: NextRun, new_run: NewRun, tag: str
) -> None:
    fenced = next_run()
    new_run()
    with pytest.raises(LeaseLostError):
        portal.upload(film, fenced)
    assert sums(sandbox, tag) == []


def test_upload_when_it_is_saved_already_sends_nothing(
    portal: Portal, sandbox: Sandbox, film: PreparedAsset, next_run: NextRun
) -> None:
    saved = upload(portal, film, next_run())
    before = sandbox.world.counts["requests:portal"]
    assert upload(portal, film, next_run()) == saved
    assert sandbox.world.counts["requests:portal"] - before <= 3  # what may be uploaded at all
