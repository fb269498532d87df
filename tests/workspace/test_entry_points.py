"""What the distributions promise each other: their entry points, who may name whom, who may import what."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PUBLIC: Final = {"damlink", "damlink.bynder", "damlink_sandbox", "damlink.testing"}
PARTNERS: Final = sorted(folder.name for folder in (ROOT / "plugins").iterdir() if folder.name != "sandbox")
# A plugin whose name is a word of every day is known by its distribution.
WORDS: Final = {"folder": "damlink-folder"}
GROUPS: Final = ("damlink", "damlink.extensions", "damlink.sandbox", "damlink.commands", "console_scripts")


def declared(group: str) -> dict[str, str]:
    """The entry points of a group as the distributions of this repository declare them."""
    found: dict[str, str] = {}
    for file in [
        ROOT / "core/pyproject.toml",
        *ROOT.glob("plugins/*/pyproject.toml"),
        *ROOT.glob("extensions/*/pyproject.toml"),
    ]:
        project: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))["project"]
        found |= project.get("entry-points", {}).get(group, {})
        found |= project.get("scripts", {}) if group == "console_scripts" else {}
    return found


def imports(file: Path) -> Iterator[tuple[str, str]]:
    """Module and name of everything a file imports; no name where it imports the module."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def of_the_core(file: Path) -> list[tuple[str, str]]:
    return [found for found in imports(file) if found[0].partition(".")[0] == "damlink"]


def is_public(module: str, name: str) -> bool:
    return module in PUBLIC | {"damlink.errors"} and name in {"", *importlib.import_module(module).__all__}


SOURCES: Final = [
    pytest.param(file, id=str(file.relative_to(ROOT)))
    for file in sorted([*ROOT.glob("plugins/*/src/**/*.py"), *ROOT.glob("extensions/*/src/**/*.py")])
    if of_the_core(file)
]


@pytest.mark.parametrize("group", GROUPS)
def test_entry_points_are_those_of_the_installed_distributions(group: str) -> None:
    found = importlib.metadata.entry_points(group=group)
    ours = {point.name: point.value for point in found if point.value.startswith("damlink")}
    assert ours == declared(group)


@pytest.mark.parametrize("group", GROUPS)
def test_entry_points_lead_somewhere(group: str) -> None:
    found = importlib.metadata.entry_points(group=group)
    ours = [point for point in found if point.value.startswith("damlink")]
    assert ours
    assert [point.name for point in ours if not point.load()] == []


@pytest.mark.parametrize("partner", PARTNERS)
def test_core_does_not_name_a_partner(partner: str) -> None:
    files = sorted((ROOT / "core" / "src").rglob("*.py"))
    word = WORDS.get(partner, partner)
    naming = [str(file.relative_to(ROOT)) for file in files if word in file.read_text("utf-8").lower()]
    assert naming == []


@pytest.mark.parametrize("file", SOURCES)
def test_plugin_imports_only_public_names(file: Path) -> None:
    assert [found for found in of_the_core(file) if not is_public(*found)] == []


@pytest.mark.parametrize("partner", PARTNERS)
def test_plugin_imports_no_other_plugin(partner: str) -> None:
    files = (ROOT / "plugins" / partner / "src").rglob("*.py")
    tops = {module.partition(".")[0] for file in files for module, _ in imports(file)}
    assert tops & {f"damlink_{other}" for other in PARTNERS if other != partner} == set()


@pytest.mark.parametrize("partner", PARTNERS)
def test_plugin_without_its_sandbox_does_not_need_one(partner: str) -> None:
    source = ROOT / "plugins" / partner / "src" / f"damlink_{partner}"
    files = [file for file in source.rglob("*.py") if source / "sandbox" not in file.parents]
    modules = {module for file in files for module, _ in imports(file)}
    assert [module for module in modules if "sandbox" in module] == []
