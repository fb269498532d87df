"""The plugin of the how-to, from the how-to's own text: its files, installed in a folder, and its partner."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ports import free_port

__all__ = ["HOW_TO", "KEY", "install_larkspur", "running_larkspur"]

HOW_TO: Final = Path(__file__).parents[1] / "docs/how-to"
KEY: Final = "made-up"
_FILE: Final = re.compile(r"^`damlink-larkspur/(\S+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROJECT: Final = re.compile(r"^```toml\n(\[project\]\n.*?)^```$", re.MULTILINE | re.DOTALL)


def install_larkspur(folder: Path) -> None:
    """Lay the plugin into a folder as an installer does, with the metadata of the page on publishing."""
    for name, text in _FILE.findall((HOW_TO / "write-a-plugin.md").read_text("utf-8")):
        path = folder / name.removeprefix("src/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (folder / "damlink_larkspur/py.typed").touch()
    (table,) = _PROJECT.findall((HOW_TO / "publish-a-plugin.md").read_text("utf-8"))
    project = tomllib.loads(table)["project"]
    facts = folder / f"damlink_larkspur-{project['version']}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("\n".join(_metadata(project)), "utf-8")
    groups = project["entry-points"].items()
    points = [
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in each.items())
        for group, each in groups
    ]
    (facts / "entry_points.txt").write_text("\n".join(points), "utf-8")


def _metadata(project: dict[str, Any]) -> Iterator[str]:
    yield from ("Metadata-Version: 2.4", f"Name: {project['name']}", f"Version: {project['version']}")
    yield f"Summary: {project['description']}"
    yield f"License-Expression: {project['license']}"
    yield f"Requires-Python: {project['requires-python']}"
    yield from (f"Requires-Dist: {each}" for each in project["dependencies"])
    yield from ("", "Larkspur's pictures into a Bynder portal. " * 10)


@contextlib.contextmanager
def running_larkspur(folder: Path) -> Iterator[str]:
    """Run the how-to's server with one picture and one draft; yield its address."""
    pictures = folder / "pictures"
    pictures.mkdir()
    (pictures / "old-mill.jpg").write_bytes(b"a picture")
    (pictures / "draft-cover.jpg").write_bytes(b"a draft")
    port = free_port()
    with subprocess.Popen([sys.executable, folder / "larkspur.py", pictures, str(port)]) as child:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            child.kill()
