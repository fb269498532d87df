"""The last grade of a plugin is kept, and holds for one version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from damlink._cli.plugins import command
from damlink._plugin.discovery import PluginInfo, find
from damlink._plugin.grades import keep_grade, last_grade

ACME = PluginInfo("acme", "damlink-acme", "1.0", "damlink_acme.plugin")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAMLINK_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def test_grade_when_none_was_kept_is_empty() -> None:
    assert last_grade(ACME) == ""


@pytest.mark.parametrize("name", ["acme", "../acme", "käse & brot", "a/b", ".."])
def test_grade_when_kept_is_the_last_one_and_stays_in_its_folder(name: str, folder: Path) -> None:
    info = ACME._replace(name=name)
    keep_grade(info, "silver")
    keep_grade(info, "gold")
    assert last_grade(info) == "gold"
    assert [path.parent.name for path in folder.rglob("*.json")] == ["grades"]


def test_grade_when_the_plugin_has_another_version_is_empty() -> None:
    keep_grade(ACME, "gold")
    assert last_grade(ACME._replace(version="1.1")) == ""


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"grade": '])
def test_grade_when_its_file_is_damaged_is_empty(folder: Path, text: str) -> None:
    keep_grade(ACME, "gold")
    (folder / "grades" / "acme.json").write_text(text)
    assert last_grade(ACME) == ""


def test_plugins_when_one_was_graded_show_its_grade() -> None:
    keep_grade(find("folder"), "platinum")
    shown = json.loads(CliRunner().invoke(command, ["--json"], standalone_mode=False).stdout)
    grades = {each["name"]: each["grade"] for each in shown}
    assert (grades["folder"], grades["gelato"]) == ("platinum", "")
    (line,) = [
        line for line in CliRunner().invoke(command, []).stdout.splitlines() if line.startswith("folder ")
    ]
    assert "  platinum  " in line
