from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from damlink import _cli
from damlink._run.diagnostics import FOLDER, MEMBERS

CONFIG = '[portals.brand]\nurl = "https://brand.example"\ntoken = { env = "TOKEN" }\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "damlink.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def diagnose(*options: str) -> Result:
    return CliRunner().invoke(_cli.root, ["diagnostics", *options])


@pytest.mark.parametrize("before", [None, 0o644], ids=["new", "open-to-others"])
def test_diagnostics_are_written_for_this_user_alone(folder: Path, before: int | None) -> None:
    path = folder / "support.zip"
    if before:
        path.touch(before)
    result = diagnose("--output", "support.zip")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith(f"support.zip: {len(MEMBERS)} files, ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as file:
        assert file.namelist() == [f"{FOLDER}/{name}" for name in MEMBERS]


def test_diagnostics_without_a_name_are_written_here(folder: Path) -> None:
    assert diagnose().exit_code == 0
    assert (folder / "damlink-diagnostics.zip").is_file()


def test_diagnostics_when_the_log_is_missing_leave_the_file_as_it_was(folder: Path) -> None:
    (folder / "support.zip").write_bytes(b"before")
    result = diagnose("--output", "support.zip", "--log", "missing.log")
    assert isinstance(result.exception, FileNotFoundError)
    assert (folder / "support.zip").read_bytes() == b"before"
    assert {path.name for path in folder.iterdir()} <= {"damlink.toml", "support.zip", "state"}
