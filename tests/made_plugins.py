"""Plugins that tests make, laid into a folder as an installer leaves them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

__all__ = ["call_damlink", "call_python", "install", "install_module"]


def install(distribution: Path, target: Path) -> None:
    """Copy a distribution's packages into a folder, with its metadata."""
    project = tomllib.loads((distribution / "pyproject.toml").read_text("utf-8"))["project"]
    shutil.copytree(distribution / "src", target, dirs_exist_ok=True)
    name, version = project["name"].replace("-", "_"), project["version"]
    facts = target / f"{name}-{version}.dist-info"
    facts.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {version}"]
    lines += [f"Summary: {project['description']}"]
    lines += [f"Requires-Python: {project['requires-python']}"]
    lines += [f"License-Expression: {project['license']}"] if "license" in project else []
    lines += [f"Requires-Dist: {each}" for each in project["dependencies"]]
    readme = (distribution / project["readme"]).read_text("utf-8") if "readme" in project else ""
    (facts / "METADATA").write_text("\n".join([*lines, "", readme]), "utf-8")
    groups = project["entry-points"].items()
    points = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in each.items())
        for group, each in groups
    ]
    (facts / "entry_points.txt").write_text("\n".join(points), "utf-8")


def install_module(site: Path, name: str, text: str | None, *, module: str = "", summary: str = "") -> None:
    """Lay a plugin of one module into a folder, as version 1.0 of `damlink-NAME`.

    Args:
        text: of the module; without one, its metadata name a module that is not there.
        module: its name; `damlink_NAME` if none is given.
    """
    module = module or f"damlink_{name}"
    facts = site / f"damlink_{name}-1.0.dist-info"
    facts.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: damlink-{name}", "Version: 1.0"]
    lines += [f"Summary: {summary}"] if summary else []
    (facts / "METADATA").write_text("\n".join([*lines, ""]), "utf-8")
    (facts / "entry_points.txt").write_text(f"[damlink]\n{name} = {module}\n")
    if text is not None:
        (site / f"{module}.py").write_text(text)


def call_python(folder: Path, *arguments: str, path: Path | None = None) -> Any:
    """Run Python in a folder, with the packages of another."""
    places = [str(path)] if path else []
    search = os.pathsep.join([*places, os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=600,
    )


def call_damlink(folder: Path, *arguments: str, path: Path | None = None) -> Any:
    """Run the command line in a folder."""
    return call_python(folder, "-m", "damlink", *arguments, path=path)
