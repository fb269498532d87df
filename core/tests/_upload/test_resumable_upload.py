"""Whole uploads, in both flows and to every destination, and what a break in the middle costs."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from damlink import Portal, PushResult, Secret
from damlink._http.bearer import BearerAuth
from damlink.errors import AssetRejectedError, BynderError, ConfigError, DamlinkError, StateError
from damlink_sandbox import Fault, Sandbox

FLOWS: list[Literal["v4", "v7"]] = ["v4", "v7"]
SIZE = 14_000_000  # three parts in either flow


@pytest.fixture(params=FLOWS)
def flow(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def arrived() -> list[int]:
    """The sizes of the parts that have arrived."""
    return []


@pytest.fixture
def portal(sandbox: Sandbox, flow: Any, arrived: list[int], hurried: None) -> Iterator[Portal]:
    bynder: Any = sandbox.part("bynder")
    bynder.control("lag", {"conversion": 0, "index": 0, "s3": 0})
    auth = BearerAuth(Secret(bynder.token))
    sandbox.world.faults.clear()
    with Portal(
        sandbox.origins["portal"], auth, uploads=flow, index_lag=0.0, on_bytes=arrived.append, pace=None
    ) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "film.mov"
    path.write_bytes(random.Random(3).randbytes(SIZE))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stored(sandbox: Sandbox, asset_id: str) -> Any:
    (found,) = [each for each in sandbox.part("bynder").state()["assets"] if each["id"] == asset_id]
    return found


def test_file_when_uploaded_is_a_new_asset_with_its_metadata(
    portal: Portal, sandbox: Sandbox, file: Path, arrived: list[int], control: Callable[..., Any], tag: str
) -> None:
    colour = tag.replace("-", "_")
    control("metaproperty", name=colour)
    told = portal.uploads.file(
        file,
        name="A film",
        description="Of the sea",
        copyright="Jane",
        tags=["sea", "with, comma"],
        metaproperties={colour: "blue"},
        brand=portal.brands.list()[0].name,
    )
    asset = stored(sandbox, told.target_id)
    assert (asset["sha256"], asset["name"], asset["filename"]) == (sha256(file), "A film", "film.mov")
    assert (asset["description"], asset["copyright"]) == ("Of the sea", "Jane")
    assert asset["tags"] == ["sea", "with comma"]
    assert asset["metaproperties"] == {colour: "blue"}
    assert sum(arrived) == SIZE


def test_file_when_a_version_becomes_the_active_one_and_keeps_the_others(
    portal: Portal, sandbox: Sandbox, file: Path, control: Callable[..., Any]
) -> None:
    asset_id = control("add_asset", text="first", tags=["kept"])["id"]
    told = portal.uploads.file(file, version_of=asset_id, tags=["new"])
    asset = stored(sandbox, asset_id)
    assert told.target_id == asset_id
    assert [version["number"] for version in asset["versions"]] == [1, 2]
    assert (asset["sha256"], asset["tags"]) == (sha256(file), ["kept", "new"])


def test_file_when_additional_stands_beside_the_original(
    portal: Portal, sandbox: Sandbox, file: Path, control: Callable[..., Any]
) -> None:
    asset_id = control("add_asset", text="first")["id"]
    told = portal.uploads.file(file, additional_to=asset_id)
    asset = stored(sandbox, asset_id)
    assert [each["sha256"] for each in asset["additionals"]] == [sha256(file)]
    assert len(asset["versions"]) == 1
    assert told.target_id == asset_id


def test_version_when_another_came_meanwhile_is_begun_again_on_top_of_it(
    portal: Portal, sandbox: Sandbox, file: Path, control: Callable[..., Any]
) -> None:
    asset_id = control("add_asset", text="first")["id"]
    other = file.with_name("other.mov")
    other.write_bytes(b"somebody else's")
    denied = '{"message": "Access denied", "statuscode": "403"}'
    sandbox.world.faults.add(Fault("portal", "POST /api/v4/media/.*/save/", status=403, body=denied))
    with pytest.raises(DamlinkError, match="403"):
        portal.uploads.file(file, version_of=asset_id, notes=file.with_suffix(".notes"))
    portal.uploads.file(other, version_of=asset_id)
    with pytest.raises(DamlinkError, match="version 2 meanwhile"):
        portal.uploads.file(file, version_of=asset_id, notes=file.with_suffix(".notes"))
    portal.uploads.file(file, version_of=asset_id, notes=file.with_suffix(".notes"))
    assert [version["number"] for version in stored(sandbox, asset_id)["versions"]] == [1, 2, 3]
    assert stored(sandbox, asset_id)["sha256"] == sha256(file)


def test_upload_when_it_breaks_off_goes_on_from_its_notes(
    portal: Portal,
    sandbox: Sandbox,
    flow: str,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    arrived: list[int],
) -> None:
    monkeypatch.setattr("damlink._upload.file_sender.RECORD_EVERY_SECONDS", 0.0)
    notes = file.with_suffix(".notes")
    third = "POST /api/v4/upload/" if flow == "v4" else "chunk/2"
    sandbox.world.faults.add(Fault(service="portal", match=third, status=401, skip=2 if flow == "v4" else 0))
    with pytest.raises(DamlinkError):
        portal.uploads.file(file, notes=notes)
    assert notes.stat().st_mode & 0o777 == 0o600
    sandbox.world.faults.clear()
    arrived.clear()
    told = portal.uploads.file(file, notes=notes)
    assert 0 < sum(arrived) < SIZE
    assert stored(sandbox, told.target_id)["sha256"] == sha256(file)
    assert not notes.exists()


def test_save_when_its_answer_is_lost_is_looked_up_and_not_sent_again(
    portal: Portal, sandbox: Sandbox, file: Path, tag: str
) -> None:
    fault = Fault(service="portal", match="POST /api/v4/media/save/", kind="cut-after")
    sandbox.world.faults.add(fault)
    told: PushResult = portal.uploads.file(file, tags=[tag], marker=tag)
    made = [each["id"] for each in sandbox.part("bynder").state()["assets"] if tag in each["tags"]]
    assert made == [told.target_id]


def test_empty_file_is_refused(portal: Portal, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    with pytest.raises(AssetRejectedError, match=r"empty\.jpg is empty"):
        portal.uploads.file(empty)


def test_notes_when_they_are_something_else_are_left_alone(
    portal: Portal, file: Path, tmp_path: Path
) -> None:
    notes = tmp_path / "list.json"
    notes.write_text("[]")
    with pytest.raises(StateError, match=r"list\.json does not hold the notes"):
        portal.uploads.file(file, notes=notes)
    assert notes.read_text() == "[]"


@pytest.mark.parametrize("flow", ["v7"], indirect=True)
def test_files_service_when_the_portal_has_none_is_named_with_the_cure(
    portal: Portal, file: Path, control: Callable[..., Any]
) -> None:
    control("settings", files_service=False)
    try:
        with pytest.raises(ConfigError, match="no files service; set uploads"):
            portal.uploads.file(file)
    finally:
        control("settings", files_service=True)


@pytest.mark.parametrize("flow", ["v7"], indirect=True)
def test_save_when_the_files_service_is_not_ready_waits(
    portal: Portal, sandbox: Sandbox, file: Path, control: Callable[..., Any]
) -> None:
    control("settings", files_lag=0.2)
    try:
        told = portal.uploads.file(file)
    finally:
        control("settings", files_lag=0.0)
    assert stored(sandbox, told.target_id)["sha256"] == sha256(file)


@pytest.mark.parametrize("flow", ["v4"], indirect=True)
def test_steps_when_taken_by_hand_make_an_asset(portal: Portal, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "hand made.txt"
    file.write_text("by hand")
    steps = portal.uploads
    ticket = steps.init(filename=file.name)
    steps.chunk(upload_url=steps.endpoint(), multipart_params=ticket.multipart_params, file=file)
    where = {"target_id": ticket.target_id, "filename": f"{ticket.s3_filename}/p1"}
    steps.register(ticket.upload_id, chunk_number=1, **where)
    made = steps.finalise(
        ticket.upload_id,
        target_id=ticket.target_id,
        s3_filename=ticket.s3_filename,
        chunks=1,
        original_filename="Händ made.txt",
    )
    assert made.import_id in steps.poll(items=[made.import_id]).done
    saved = steps.save(made.import_id, name="By hand", extra={"description": "of mine"})
    asset = stored(sandbox, saved.media_id)
    assert (asset["name"], asset["description"]) == ("By hand", "of mine")
    assert asset["sha256"] == sha256(file)
    with pytest.raises(BynderError):
        steps.save(made.import_id, name="Again")
