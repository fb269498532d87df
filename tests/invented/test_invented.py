"""Two plugins that were written from the docs alone, for partners that do not exist, in 150 lines each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_plugins import call_damlink, install

HERE = Path(__file__).parent
MOST_LINES = 150


@pytest.fixture(params=["marigold", "sorrel"])
def plugin(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The name of a plugin, and the folder that it is installed in."""
    install(HERE / request.param, tmp_path / "site")
    return request.param, tmp_path / "site"


@pytest.mark.parametrize("name", ["marigold", "sorrel"])
def test_plugin_when_its_lines_are_counted_is_small(name: str) -> None:
    files = [path for path in (HERE / name).rglob("*") if path.suffix in {".py", ".toml", ".md"}]
    lines = [line for path in files for line in path.read_text("utf-8").splitlines() if line.strip()]
    assert len(files) == 5
    assert len(lines) <= MOST_LINES


def test_plugin_when_verified_has_no_problem(plugin: Any, tmp_path: Path) -> None:
    name, site = plugin
    child = call_damlink(tmp_path, "plugins", "--verify", "--json", path=site)
    assert [each["problem"] for each in json.loads(child.stdout) if each["name"] == name] == [""]


@pytest.mark.acceptance
def test_plugin_when_graded_is_platinum(plugin: Any, tmp_path: Path) -> None:
    name, site = plugin
    child = call_damlink(tmp_path, "grade", name, "--at-least", "platinum", path=site)
    assert (child.returncode, child.stdout.splitlines()[-1]) == (0, f"{name}: platinum"), child.stdout
