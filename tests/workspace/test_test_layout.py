"""Tests of the core stand beside what they test, and a case is a parameter."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CORE: Final = ROOT / "core"
BRANCHES: Final = (ast.For, ast.While, ast.If, ast.Try, ast.Match)
FILES: Final = sorted(path for path in (CORE / "tests").rglob("test_*.py") if path.parent != CORE / "tests")
# These test a room or a command as a whole.
OF_A_ROOM: Final = {
    *("_cli/test_help.py", "_cli/test_other_commands.py", "_state/test_ledger_machine.py"),
    *("_run/test_previous_version.py", "_state/test_counters.py"),
}


def modules(room: Path) -> tuple[str, ...]:
    """The names of a room's modules and rooms, without underscore."""
    return tuple(path.stem.strip("_") for path in room.glob("[!.]*") if path.stem != "__pycache__")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CORE / "tests").as_posix())
def test_file_when_in_a_room_begins_with_the_name_of_a_module_there(path: Path) -> None:
    place = path.relative_to(CORE / "tests")
    subject = path.stem.removeprefix("test_")
    names = modules(CORE / "src" / "damlink" / place.parent)
    assert subject.startswith(names) or place.as_posix() in OF_A_ROOM


def bodies() -> Iterator[tuple[str, list[ast.AST]]]:
    """Every test of the repository, with the nodes of its body."""
    for path in sorted(
        [
            *ROOT.glob("core/tests/**/*.py"),
            *ROOT.glob("tests/**/*.py"),
            *ROOT.glob("plugins/*/tests/*.py"),
            *ROOT.glob("extensions/*/tests/*.py"),
        ]
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name, list(_own_nodes(node))


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            yield child
            yield from _own_nodes(child)


def test_bodies_when_counted_branch_in_one_of_ten_at_most() -> None:
    tests = list(bodies())
    branching = [name for name, nodes in tests if any(isinstance(each, BRANCHES) for each in nodes)]
    assert len(tests) > 1000
    assert len(branching) <= 0.1 * len(tests)
