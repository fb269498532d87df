"""Places in the code of plugins and extensions that errors come from."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from pathlib import Path

import attrs

__all__ = ["Place", "find_place", "package_of"]


@attrs.frozen
class Place:
    """A line of a plugin's or an extension's code.

    Attributes:
        module: its full name.
        file: from its package on.
        line: counted from 1.
    """

    module: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def package_of(module: str) -> str:
    """Return the name of a module's outermost package."""
    return module.partition(".")[0]


def find_place(error: BaseException, packages: Collection[str]) -> Place | None:
    """Return the innermost line of certain packages that an error passed; `None` if there is none."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        package = next((each for each in packages if each in Path(error.filename).parts), "")
        return Place(package, _shorten(error.filename, package), error.lineno)
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__"))
        if package_of(module) in packages:
            found = Place(module, _shorten(frame.f_code.co_filename, package_of(module)), line)
    return found


def _shorten(filename: str, package: str) -> str:
    parts = Path(filename).parts
    start = parts.index(package) if package in parts else -1
    return "/".join(parts[start:])
