"""Plugins look alike: the same files for the same roles, and only public names of `damlink`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "src").is_dir())


# What every partner's plugin has; a plugin adds files only for what no other partner has.
FILES = ("plugin", "settings", "auth", "api", "listing", "transform", "deliver", "checks")
PARTNERS = [path for path in PLUGINS if path.name != "sandbox"]


@pytest.mark.parametrize("plugin", PARTNERS, ids=lambda path: path.name)
def test_plugin_when_its_files_are_listed_has_the_eight_of_every_plugin(plugin: Path) -> None:
    (package,) = (plugin / "src").glob("damlink_*")
    assert {path.stem for path in package.glob("*.py")}.issuperset(FILES)


def private_names(source: str) -> Iterator[str]:
    """Yield every name with an underscore that a module imports from `damlink`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith("damlink.") and "._" in name)


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugin_when_its_imports_are_read_has_no_private_name(plugin: Path) -> None:
    files = sorted((plugin / "src").rglob("*.py"))
    assert files
    found = {str(file): names for file in files if (names := [*private_names(file.read_text("utf-8"))])}
    assert found == {}


@pytest.mark.parametrize(
    "source",
    ["import damlink._http.client", "from damlink._http import client", "from damlink import _model"],
)
def test_private_names_when_there_are_some_finds_them(source: str) -> None:
    assert list(private_names(source))
