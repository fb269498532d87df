"""What happens in the portal and in the folder, after a change, a rejection and a crash."""

from __future__ import annotations

import contextlib
import csv
import json
from typing import Any

import pytest

from damlink import AssetRejectedError, NotYet
from damlink.errors import PluginBugError
from damlink_folder import deliver, removal
from damlink_folder.local import LocalFolder


def test_file_when_changed_becomes_a_version_with_its_metadata(hot: Any) -> None:
    hot.put("version.jpg", b"one")
    trial = hot.open(on_removal="archive")
    trial.run()
    hot.put("version.jpg", b"other")
    hot.put("version.json", '{"description": "new"}')
    assert trial.run() == {"pushed": 1}
    asset = hot.asset("version")
    assert (asset["description"], len(asset["versions"])) == ("new", 2)


def test_sidecar_when_changed_alone_sends_no_byte(hot: Any) -> None:
    hot.put("described.jpg")
    trial = hot.open()
    trial.run()
    hot.put("described.jpg.json", '{"name": "Title", "tags": ["a, b", "c"]}')
    sent = trial.asked("POST", "s3").total()
    assert trial.run() == {"pushed": 1}
    assert trial.asked("POST", "s3").total() == sent
    assert {"c"} < set(hot.asset("Title")["tags"])


@pytest.mark.parametrize(
    ("setting", "left"),
    [("ignore", [False]), ("archive", [True]), ("delete", [])],
    ids=["ignore", "archive", "delete"],
)
def test_file_when_deleted_is_treated_as_the_setting_says(hot: Any, setting: str, left: list[bool]) -> None:
    hot.put("other.jpg")
    path = hot.put(f"leaves-{setting}.jpg")
    trial = hot.open(on_removal=setting)
    trial.run()
    path.unlink()
    trial.run()
    assets = trial.context.bynder.assets
    found = [
        each["id"] for each in hot.assets() if each["name"] == f"leaves-{setting}" and not each["deleted"]
    ]
    assert [assets.get(each).is_archived for each in found] == left


def test_file_when_it_comes_back_leaves_the_archive(hot: Any) -> None:
    hot.put("other.jpg")
    path = hot.put("back.jpg")
    trial = hot.open(on_removal="archive")
    trial.run()
    path.unlink()
    trial.run()
    hot.put("back.jpg")
    trial.run()
    assert not trial.context.bynder.assets.get(hot.asset("back")["id"]).is_archived


def test_folder_when_empty_removes_nothing(hot: Any) -> None:
    path = hot.put("mount.jpg")
    trial = hot.open(on_removal="delete")
    trial.run()
    path.unlink()
    trial.run()
    assert hot.asset("mount")


def test_move_when_delivered_takes_the_sidecars_along(hot: Any) -> None:
    for name in ("sub/a.jpg", "sub/a.tif"):
        hot.put(name)
    hot.put("sub/a.jpg.json", "{}")
    hot.put("sub/a.json", "{}")
    hot.open(move=True).run()
    assert hot.names() == ["done/sub/a.jpg", "done/sub/a.jpg.json", "done/sub/a.json", "done/sub/a.tif"]


def test_move_when_the_name_is_taken_keeps_both(hot: Any) -> None:
    hot.put("again.jpg", b"1")
    trial = hot.open(move=True)
    trial.run()
    hot.put("again.jpg", b"22")
    trial.run()
    assert len(hot.names()) == 2
    assert len(hot.asset("again")["versions"]) == 2


def test_rejected_file_goes_to_failed_with_the_reason(hot: Any) -> None:
    hot.put("broken.jpg")
    hot.put("broken.json", "{")
    assert hot.open(move=True, report="json").run() == {"rejected": 1}
    assert hot.names() == ["failed/broken.jpg", "failed/broken.jpg.damlink.json", "failed/broken.json"]
    report = json.loads((hot.path / "failed/broken.jpg.damlink.json").read_text())
    assert report["state"] == "rejected"
    assert "broken.json" in report["problem"]


class Killed(BaseException):
    """The end of the process, as far as its own code can tell."""


def kill(patch: pytest.MonkeyPatch, target: Any, name: str, *, is_done: bool) -> None:
    """Let a function end the process: before it does anything, or after it has done all."""
    real = getattr(target, name)

    def call(*given: Any, **named: Any) -> Any:
        if is_done:
            real(*given, **named)
        raise Killed

    patch.setattr(target, name, call)


STEPS = {
    "move": (LocalFolder, "move"),
    "sidecars": (deliver, "_move_sidecars"),
    "report": (LocalFolder, "write"),
    "remember": (removal, "remember"),
}


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("outcome", "sidecar"), [("done", "{}"), ("failed", "[]")], ids=["done", "failed"])
def test_kill_around_each_step_ends_with_the_move_and_one_asset_at_most(
    hot: Any, step: str, is_done: bool, outcome: str, sidecar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{step}-{is_done}-{outcome}"
    hot.put(f"{name}.jpg")
    hot.put(f"{name}.jpg.json", sidecar)
    trial = hot.open(move=True, report="json")
    [source] = trial.source_assets()
    with monkeypatch.context() as patch, contextlib.suppress(PluginBugError, AssetRejectedError):
        kill(patch, *STEPS[step], is_done=is_done)
        trial.carry(source)
    with contextlib.suppress(AssetRejectedError):
        trial.carry(source)
    wanted = [f"{outcome}/{name}.jpg{end}" for end in ("", ".damlink.json", ".json")]
    assert hot.names() == wanted
    assert [asset["name"] for asset in hot.assets()].count(name) == (outcome == "done")


def test_move_when_killed_behind_it_leaves_a_new_file_of_that_name_alone(
    hot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hot.put("renewed.jpg", b"old")
    trial = hot.open(move=True)
    [source] = trial.source_assets()
    with monkeypatch.context() as patch, contextlib.suppress(PluginBugError):
        kill(patch, LocalFolder, "move", is_done=True)
        trial.carry(source)
    hot.put("renewed.jpg", b"newer")
    hot.put("renewed.jpg.json", "{}")
    trial.carry(source)
    assert hot.names() == ["done/renewed.jpg", "renewed.jpg", "renewed.jpg.json"]
    trial.run()
    assert len(hot.asset("renewed")["versions"]) == 2


def test_file_when_changed_after_it_was_listed_waits_for_the_next_listing(hot: Any) -> None:
    hot.put("growing.jpg", b"1")
    trial = hot.open()
    [source] = trial.source_assets()
    hot.put("growing.jpg", b"12")
    with pytest.raises(NotYet):
        trial.transform(source)
    assert trial.run() == {"waiting": 1}
    trial.clock.advance(301)
    assert trial.run() == {"pushed": 1}


def test_report_of_many_threads_has_a_row_for_each_file(hot: Any) -> None:
    for number in range(12):
        hot.put(f"=row {number}.jpg")
    hot.open(report="csv").run()
    with (hot.path / "damlink-report.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert sorted(rows) == sorted(f"'=row {number}.jpg" for number in range(12))
    assert all(row["state"] == "pushed" and row["asset"] for row in rows.values())


def test_report_when_written_again_keeps_the_other_rows(hot: Any) -> None:
    hot.put("first.jpg")
    trial = hot.open(report="csv")
    trial.run()
    hot.put("second.jpg")
    trial.run()
    assert (hot.path / "damlink-report.csv").read_text().count("pushed") == 2


@pytest.mark.parametrize(("folders", "tags"), [("tags", {"Summer", "Beach"}), ("ignore", set())])
def test_sub_folders_become_tags_if_set(hot: Any, folders: str, tags: set[str]) -> None:
    hot.put(f"Summer/Beach/of {folders}.jpg")
    hot.open(folders=folders).run()
    assert {tag for tag in hot.asset(f"of {folders}")["tags"] if not tag.startswith("folder-")} == tags


def test_sub_folder_becomes_the_collection_if_set(hot: Any) -> None:
    hot.put("Autumn/leaf.jpg")
    trial = hot.open(folders="collection")
    assert trial.run() == {"failed": 1}
    made = trial.context.bynder.collections.create(name="Autumn")
    [source] = trial.source_assets()
    trial.carry(source)
    assert list(trial.context.bynder.collections.media(made)) == [hot.asset("leaf")["id"]]
