"""The page of the plugins and extensions of this repository, from the metadata of their distributions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from command_pages import table

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = {"damlink": "Plugins", "damlink.extensions": "Extensions"}
"""The groups of entry points, and the heading that their distributions stand under."""


def projects() -> list[dict[str, Any]]:
    """The metadata of each distribution beside the core, in the order of their names."""
    files = [*ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("extensions/*/pyproject.toml")]
    found = [tomllib.loads(file.read_text("utf-8"))["project"] for file in files]
    return sorted(found, key=lambda project: project["name"])


def directory_page() -> Iterator[str]:
    """Every plugin and extension with what its distribution says about itself."""
    yield "# Plugins and extensions\n"
    yield (
        "What the distributions say of themselves. `damlink plugins` shows those that are installed, "
        "those of other authors too.\n"
    )
    for group, heading in FOLDERS.items():
        yield f"## {heading}\n"
        rows = [row(name, project) for project in projects() for name in entries(project, group)]
        yield from table(("name", "distribution", "what it does", "Python", "core", "license"), rows)


def entries(project: dict[str, Any], group: str) -> list[str]:
    """The names of a distribution's entry points in a group."""
    return sorted(project.get("entry-points", {}).get(group, {}))


def row(name: str, project: dict[str, Any]) -> tuple[str, ...]:
    """The line of one entry point."""
    page = ROOT / "docs" / "reference" / "plugins" / f"{name}.md"
    core = next(
        each.removeprefix("damlink") for each in project["dependencies"] if each.startswith("damlink>")
    )
    return (
        f"[`{name}`](plugins/{name}.md)" if page.exists() else f"`{name}`",
        f"`{project['name']}`",
        project["description"].rpartition(":")[0] + ".",
        f"`{project['requires-python']}`",
        f"`{core}`",
        project["license"],
    )
