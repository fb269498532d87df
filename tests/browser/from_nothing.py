"""An installation from wheels in an environment of its own, and its `damlink console` in an empty folder."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

__all__ = ["Installation", "build_wheels", "install", "start_console"]

TREE: Final = Path(__file__).parents[2]
PARTS: Final = ("core", "plugins/istock", "plugins/imatag", "plugins/gelato", "plugins/sandbox")


@attrs.frozen
class Installation:
    """A virtual environment with Damlink in it."""

    folder: Path

    @property
    def damlink(self) -> str:
        """The path of the command."""
        return str(self.folder / "bin" / "damlink")


def _environment(**values: str) -> Mapping[str, str]:
    """This one, without what leads to the sources of the tree or to other configs."""
    own = ("PYTHONPATH", "DAMLINK_CONFIG", "DAMLINK_KEY", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in own} | values


def build_wheels(folder: Path) -> list[str]:
    """Build a wheel of each distribution; return their paths, the core's with its extra."""
    sources = [str(TREE / part) for part in PARTS]
    _run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), *sources])
    (core,) = folder.glob("damlink-*.whl")
    return [f"{core}[console]", *(str(path) for path in folder.glob("damlink_*.whl"))]


def install(folder: Path, wheels: list[str]) -> Installation:
    """Make a virtual environment, and install the wheels."""
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(folder / "bin" / "pip"), "install", "-q", *wheels])
    return Installation(folder)


def _run(words: list[str]) -> None:
    subprocess.run(words, check=True, env=_environment())


@contextlib.contextmanager
def start_console(installation: Installation, folder: Path) -> Iterator[str]:
    """Run `damlink console` in a folder, and yield the address that it prints."""
    child = subprocess.Popen(
        [installation.damlink, "console", "--no-browser", "--listen", "127.0.0.1:0"],
        cwd=folder,
        env=_environment(DAMLINK_STATE_DIR=str(folder)),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip()
    finally:
        child.terminate()
        child.communicate(timeout=90)
