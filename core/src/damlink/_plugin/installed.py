"""Entry points of the installed distributions, read from the files on `sys.path`.

`importlib.metadata` is used for archives only: to import it takes as long as to import click, and it parses
the whole description of every plugin.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

__all__ = ["EntryPoint", "entry_points"]

_KINDS: Final = (".dist-info", ".egg-info")
_SEPARATORS: Final = re.compile(r"[-_.]+")

_Read = Callable[[str], str]
"""Returns the text of a file of a distribution's metadata, or an empty text."""


class EntryPoint(NamedTuple):
    """An entry point of a distribution."""

    name: str
    value: str
    read: _Read

    def facts(self) -> dict[str, list[str]]:
        """Return the metadata of the distribution: the values of each field, without the description."""
        found: dict[str, list[str]] = {}
        head = (self.read("METADATA") or self.read("PKG-INFO")).partition("\n\n")[0]
        for line in head.splitlines():
            name, _, value = line.partition(":")
            found.setdefault(name, []).append(value.strip())
        return found


def entry_points(group: str) -> Iterator[EntryPoint]:
    """Yield the entry points of a group. Of a distribution that is installed twice, the first one counts."""
    seen = set()
    for name, read in _distributions():
        if name not in seen:
            seen.add(name)
            yield from _parse(read("entry_points.txt"), group, read)


def _parse(text: str, group: str, read: _Read) -> Iterator[EntryPoint]:
    section = ""
    for line in map(str.strip, text.splitlines() if f"[{group}]" in text else ()):
        if line.startswith("["):
            section = line.strip("[]")
        elif section == group and line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield EntryPoint(name.strip(), value.strip(), read)


def _distributions() -> Iterator[tuple[str, _Read]]:
    for entry in dict.fromkeys(sys.path):
        try:
            names = os.listdir(entry or ".")  # noqa: PTH208 - a path for each file of a folder is slow
        except NotADirectoryError:
            yield from _read_archive(entry)
            continue
        except OSError:
            continue
        for name in names:
            if name.endswith(_KINDS):
                yield _normal(name[: -len(_KINDS[0])]), _reader(os.path.join(entry, name))  # noqa: PTH118


def _normal(stem: str) -> str:
    return _SEPARATORS.sub("-", stem.partition("-")[0]).lower()


def _reader(folder: str) -> _Read:
    def read(name: str) -> str:
        try:
            with open(f"{folder}/{name}", encoding="utf-8") as file:  # noqa: PTH123
                return file.read()
        except (OSError, UnicodeDecodeError):
            return ""

    return read


def _read_archive(path: str) -> Iterator[tuple[str, _Read]]:
    import importlib.metadata

    for each in importlib.metadata.distributions(path=[path]):
        yield _normal(each.name), lambda name, each=each: each.read_text(name) or ""  # type: ignore[misc]
