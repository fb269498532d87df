"""What counts as a file, when it is complete, and hostile names."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from damlink import TransientError
from damlink_folder import listing
from damlink_folder.local import LocalFolder
from damlink_folder.names import quote, unquote
from damlink_folder.settings import FolderSettings


def listed(hot: Any, **settings: Any) -> list[str]:
    return [source.source_id for source in hot.open(**settings).source_assets()]


@pytest.mark.parametrize(
    ("names", "settings", "found"),
    [
        pytest.param(
            ["b.jpg", "a/c.jpg", "a.jpg"], {}, ["a.jpg", "b.jpg", "a/c.jpg"], id="files-then-folders"
        ),
        pytest.param([".a.jpg", ".git/a.jpg", "Thumbs.db"], {}, [], id="hidden"),
        pytest.param(["a.jpg.part", "a.jpg~", "~$a.docx", "a.TMP"], {}, [], id="temporary"),
        pytest.param(["a.jpg", "b.txt"], {"include": ["*.JPG"]}, ["a.jpg"], id="chosen"),
        pytest.param(["a.jpg", "a.jpg.json", "a.csv"], {}, ["a.jpg"], id="sidecars"),
        pytest.param(["a.json"], {"sidecars": False}, ["a.json"], id="no-sidecars"),
        pytest.param(
            ["a.jpg", "b.jpg", "b.json"], {"require_sidecar": True}, ["b.jpg"], id="sidecar-required"
        ),
        pytest.param(["a.jpg.damlink.json", "damlink-report.csv"], {"sidecars": False}, [], id="reports"),
        pytest.param(["done/a.jpg", "x/done/b.jpg"], {"move": True}, ["x/done/b.jpg"], id="moved"),
        pytest.param([], {}, [], id="empty"),
    ],
)
def test_listing_with_these_files_names_those_that_count(
    hot: Any, names: list[str], settings: dict[str, Any], found: list[str]
) -> None:
    for name in names:
        hot.put(name, "{}" if name.endswith(".json") else "file\n")
    assert listed(hot, **settings) == found


def test_listing_when_the_folder_is_missing_ends_with_its_name(hot: Any) -> None:
    hot.path.rmdir()
    with pytest.raises(TransientError, match="cannot list .*hot"):
        listed(hot)


def test_listing_with_links_follows_none(hot: Any, tmp_path: Any) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(b"secret")
    (hot.path / "file.jpg").symlink_to(outside / "secret.jpg")
    (hot.path / "folder").symlink_to(outside)
    (hot.path / "dangling.jpg").symlink_to("nowhere")
    os.mkfifo(hot.path / "pipe.jpg")
    assert listed(hot) == []


def test_file_when_it_becomes_a_link_after_it_was_listed_is_not_read(hot: Any, tmp_path: Any) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.jpg").write_bytes(b"12345")
    hot.put("sub/a.jpg")
    trial = hot.open()
    [source] = trial.source_assets()
    (hot.path / "sub").rename(hot.path / "gone")
    (hot.path / "sub").symlink_to(tmp_path / "outside")
    assert type(trial.transform(source)).__name__ == "Removed"


HOSTILE = [
    pytest.param(b"new\nline.jpg", "new%0Aline.jpg", id="newline"),
    pytest.param(b"caf\xe9.jpg", "caf%E9.jpg", id="latin-1"),
    pytest.param("café €.jpg".encode(), "café €.jpg", id="utf-8"),
    pytest.param(b"50%25 off, \"now\"; 'x'.jpg", "50%2525 off, \"now\"; 'x'.jpg", id="percent-comma-quotes"),
    pytest.param(b"x" * 251 + b".jpg", "x" * 251 + ".jpg", id="255-bytes"),
    pytest.param(
        b"/".join([b"d" * 200] * 10) + b"/a.jpg", "/".join(["d" * 200] * 10) + "/a.jpg", id="2000-bytes"
    ),
    pytest.param(b"-rf $(reboot).jpg", "-rf $(reboot).jpg", id="shell"),
    pytest.param(b" .jpg", " .jpg", id="space"),
    pytest.param("\u202egpj.exe.jpg".encode(), "\u202egpj.exe.jpg", id="right-to-left"),
]


@pytest.mark.parametrize(("name", "source_id"), HOSTILE)
def test_file_with_a_hostile_name_arrives_once(hot: Any, name: bytes, source_id: str) -> None:
    hot.put(name)
    before = len(hot.assets())
    trial = hot.open(report="csv")
    assert (trial.run(), trial.run()) == ({"pushed": 1}, {})
    assert len(hot.assets()) == before + 1
    assert (hot.path / "damlink-report.csv").exists() or source_id.count("/")


@pytest.mark.parametrize(("name", "source_id"), HOSTILE)
def test_quoted_path_leads_back_to_it(name: bytes, source_id: str) -> None:
    path = os.fsdecode(name)
    assert (quote(path), unquote(source_id)) == (source_id, path)


class Clock:
    """A clock that a pause moves; `then` happens during the pause."""

    def __init__(self, then: Any) -> None:
        self.time, self.then = datetime.now(UTC), then

    def now(self) -> datetime:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.then()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param("", ["a.jpg"], id="unchanged"),
        pytest.param("a.jpg", [], id="still-written"),
        pytest.param("a.json", [], id="sidecar-still-written"),
    ],
)
def test_listing_with_a_young_file_waits_and_looks_again(hot: Any, change: str, found: list[str]) -> None:
    hot.put("a.jpg")
    hot.put("a.json", "{}")
    clock = Clock(lambda: change and hot.put(change, '{"name": "longer"}'))
    log = SimpleNamespace(info=lambda *_: None)
    settings = FolderSettings(address=str(hot.path))
    ctx: Any = SimpleNamespace(settings=settings, now=clock.now, http=clock, log=log)
    assert [each.source_id for each in listing.list_files(ctx, LocalFolder(str(hot.path)))] == found


@pytest.mark.parametrize("fingerprint", ["time", "digest"])
def test_fingerprint_when_only_the_time_changes_follows_the_setting(hot: Any, fingerprint: str) -> None:
    path = hot.put("a.jpg")
    trial = hot.open(fingerprint=fingerprint)
    [before] = trial.source_assets()
    os.utime(path, (1, 1))
    [after] = trial.source_assets()
    assert (before.fingerprint == after.fingerprint) is (fingerprint == "digest")
