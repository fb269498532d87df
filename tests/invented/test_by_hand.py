"""Two plugins from `damlink new`: what an author has changed by hand is little, and they are graded gold.

`by_hand` has the files that were changed. Tamarack is a source with a login of its own, one session at a
time, and pages by cursor; Juniper a destination that takes a file in parts, shows it late, and is told of
titles and removals.
"""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
from made_plugins import call_damlink, install

BY_HAND: Final = Path(__file__).parent / "by_hand"
MOST_LINES: Final = 150
OPTIONS: Final = {"tamarack": ("--auth", "login", "--pages", "cursor"), "juniper": ("--destination",)}


@pytest.fixture(params=OPTIONS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a distribution as `damlink new` makes it."""
    child = call_damlink(tmp_path, "new", request.param, *OPTIONS[request.param])
    assert child.returncode == 0, child.stderr
    return tmp_path / str(request.param)


def count_added(before: str, after: str) -> int:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return sum(line.startswith("+ ") for line in lines)


def test_plugin_when_compared_with_what_was_made_has_few_lines_by_hand(made: Path) -> None:
    changed = [path for path in (BY_HAND / made.name).rglob("*") if path.suffix in {".py", ".toml"}]
    added = {}
    for path in changed:
        before = made / path.relative_to(BY_HAND / made.name)
        added[before.name] = count_added(before.read_text("utf-8"), path.read_text("utf-8"))
    assert 0 < sum(added.values()) <= MOST_LINES, added
    assert all(added.values()), added


@pytest.mark.acceptance
def test_plugin_when_changed_by_hand_is_graded_gold(made: Path, tmp_path: Path) -> None:
    shutil.copytree(BY_HAND / made.name, made, dirs_exist_ok=True)
    install(made, tmp_path / "site")
    child: Any = call_damlink(tmp_path, "grade", made.name, "--at-least", "gold", path=tmp_path / "site")
    assert child.returncode == 0, child.stdout
