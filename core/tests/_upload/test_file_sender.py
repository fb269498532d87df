"""A whole file: in parts of a size that the other side takes, resumed part by part."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from damlink import Content, Portal, PreparedAsset
from damlink._checkpoint import FileCheckpoint
from damlink._upload.part_sizes import SMALLEST_PART_BYTES
from damlink._upload.progress import UploadRecord
from damlink.errors import DamlinkError, NotYet, TransientError
from damlink_sandbox import Fault, Sandbox

MIB = 1024 * 1024
SIZE = 30_000_000  # four parts of 8 MiB, or five of 6 MiB
LARGE = 8 * MIB
REFUSAL = '{"message": "Part too large", "statuscode": "400"}'


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.mov"
    path.write_bytes(random.Random(7).randbytes(SIZE))
    return path


@pytest.fixture(autouse=True)
def calm(sandbox: Sandbox) -> Iterator[None]:
    bynder: Any = sandbox.part("bynder")
    bynder.control("lag", {"conversion": 0, "index": 0, "s3": 0})
    yield
    sandbox.world.faults.clear()
    bynder.control("settings", {"largest_part": 5 * 1024**3})


@pytest.fixture
def registered(sandbox: Sandbox) -> Callable[[], int]:
    """Requests that registered a part or closed an upload, since the last call."""
    counts = sandbox.world.counts
    seen = counts["portal POST /api/v4/upload"]

    def count() -> int:
        nonlocal seen
        before, seen = seen, counts["portal POST /api/v4/upload"]
        return seen - before

    return count


def carry(portal: Portal, content: Content, checkpoint: FileCheckpoint) -> str:
    prepared = PreparedAsset(content, name="film")
    while True:
        try:
            return portal.upload(prepared, checkpoint).target_id
        except NotYet:
            continue


def stored(sandbox: Sandbox, asset_id: str) -> Any:
    (found,) = [each for each in sandbox.part("bynder").state()["assets"] if each["id"] == asset_id]
    return found["sha256"]


def test_send_when_the_file_has_ranges_sends_few_large_parts(
    portal: Portal, sandbox: Sandbox, film: Path, registered: Callable[[], int]
) -> None:
    told = portal.uploads.file(film)
    assert registered() == 4 + 1
    assert stored(sandbox, told.target_id) == hashlib.sha256(film.read_bytes()).hexdigest()


def test_send_when_the_source_has_ranges_reads_each_part_by_itself(
    portal: Portal, sandbox: Sandbox, film: Path, partner: Any, server: Any
) -> None:
    data = film.read_bytes()

    def answer(asked: Any) -> Any:
        headers = {"ETag": '"v"', "Accept-Ranges": "bytes"}
        first, _, last = asked.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")
        if "range" not in asked.headers:
            return server.reply(200, data, headers)
        headers |= {"Content-Range": f"bytes {first}-{last}/{SIZE}"}
        return server.reply(206, data[int(first) : int(last) + 1], headers)

    server.serve(answer)
    told = carry(portal, Content.from_url(partner, f"{server.url}/film.mov"), FileCheckpoint(None))
    asked = sorted(each.headers["range"] for each in server.asked if "range" in each.headers)
    starts = [f"bytes={LARGE}-{2 * LARGE - 1}", f"bytes={2 * LARGE}-{3 * LARGE - 1}"]
    assert asked == sorted([*starts, f"bytes={3 * LARGE}-{SIZE - 1}"])
    assert stored(sandbox, told) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("announced", [True, False], ids=["announces ranges", "announces none"])
def test_send_when_the_source_ignores_ranges_sends_small_parts(
    portal: Portal, sandbox: Sandbox, film: Path, partner: Any, server: Any, announced: bool
) -> None:
    data, headers = film.read_bytes(), {"ETag": '"v"'}
    server.always(200, data, headers=headers | ({"Accept-Ranges": "bytes"} if announced else {}))
    told = carry(portal, Content.from_url(partner, f"{server.url}/film.mov"), FileCheckpoint(None))
    assert stored(sandbox, told) == hashlib.sha256(data).hexdigest()


def test_send_when_s3_refuses_large_parts_sends_small_ones_and_remembers_it(
    portal: Portal,
    sandbox: Sandbox,
    film: Path,
    control: Callable[..., Any],
    registered: Callable[[], int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    control("settings", largest_part=SMALLEST_PART_BYTES)
    begun = sandbox.world.counts["portal POST /api/upload/init"]
    told = [portal.uploads.file(film) for _ in range(2)]
    assert registered() == 2 * (5 + 1)
    assert sandbox.world.counts["portal POST /api/upload/init"] - begun == 3
    assert [message for message in caplog.messages if "are refused" in message] == [
        "parts of 8 MiB are refused; sending parts of 6 MiB from now on: S3 answered 400 EntityTooLarge"
        " to a part: Your proposed upload exceeds the maximum allowed size"
    ]
    assert stored(sandbox, told[1].target_id) == hashlib.sha256(film.read_bytes()).hexdigest()


def test_send_when_the_portal_refuses_a_large_part_sends_small_ones(
    portal: Portal, sandbox: Sandbox, film: Path, registered: Callable[[], int]
) -> None:
    fault = Fault(service="portal", match="POST /api/v4/upload/", status=400, body=REFUSAL)
    sandbox.world.faults.add(fault)
    portal.uploads.file(film)
    assert registered() >= 5 + 1


def test_send_when_no_large_part_ever_arrives_sends_small_ones_in_the_next_round(
    portal: Portal, sandbox: Sandbox, film: Path, registered: Callable[[], int]
) -> None:
    checkpoint = FileCheckpoint(None)
    sandbox.world.faults.add(Fault(service="s3", match="POST", kind="cut", times=0))
    with pytest.raises(TransientError):
        carry(portal, Content.from_path(film), checkpoint)
    sandbox.world.faults.clear()
    carry(portal, Content.from_path(film), checkpoint)
    assert registered() == 5 + 1


def test_send_when_it_breaks_off_keeps_the_size_of_the_parts(
    portal: Portal, sandbox: Sandbox, film: Path
) -> None:
    checkpoint = FileCheckpoint(None)
    denied = Fault(service="portal", match="POST /api/v4/upload/", status=503, skip=2, times=0)
    sandbox.world.faults.add(denied)
    with pytest.raises(DamlinkError):
        portal.upload(PreparedAsset(Content.from_path(film), name="film"), checkpoint)
    session = UploadRecord(checkpoint).progress.session
    assert session is not None
    assert (session.part_bytes, len(session.digests)) == (LARGE, 2)
    sandbox.world.faults.clear()
    before = sandbox.world.counts["parts"]
    told = carry(portal, Content.from_path(film), checkpoint)
    assert sandbox.world.counts["parts"] - before == 2
    assert stored(sandbox, told) == hashlib.sha256(film.read_bytes()).hexdigest()


def test_send_when_the_source_is_no_longer_proven_compares_what_was_sent(
    portal: Portal, sandbox: Sandbox, film: Path, tmp_path: Path
) -> None:
    file, checkpoint = tmp_path / "film.mov", FileCheckpoint(None)
    file.write_bytes(film.read_bytes())
    sandbox.world.faults.add(Fault("portal", "POST /api/v4/upload/", status=503, skip=2, times=0))
    with pytest.raises(DamlinkError):
        portal.upload(PreparedAsset(Content.from_path(file), name="film"), checkpoint)
    sandbox.world.faults.clear()
    changed = b"X" + film.read_bytes()[1:]
    file.write_bytes(changed)
    begun = sandbox.world.counts["portal POST /api/upload/init"]
    told = carry(portal, Content.from_path(file), checkpoint)
    assert sandbox.world.counts["portal POST /api/upload/init"] - begun == 1
    assert stored(sandbox, told) == hashlib.sha256(changed).hexdigest()
