"""Operations of Bynder's published definitions, and which of them are new or gone since this version."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from damlink.bynder._drift import DriftChange
from damlink.errors import ConfigError

__all__ = ["compare_operations", "list_operations", "load_operations"]

_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
_NAME: Final = re.compile(r"\{[^}]*\}")
_ORIGIN: Final = re.compile(r"^https?://[^/]*")
_CURE: Final = "name a folder with Bynder's OpenAPI definitions as JSON files"


@functools.cache
def load_operations() -> frozenset[str]:
    """Return the published operations that this version was built on, each as method and path.

    tests/workspace/renew_inventory.py writes the file from Bynder's definitions.
    """
    from importlib.resources import files

    return frozenset(json.loads(files(__package__).joinpath("operations.json").read_text("utf-8")))


def list_operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield each operation of an OpenAPI document: its method, its whole path and its body."""
    servers = document.get("servers") or [{"url": ""}]
    base = _ORIGIN.sub("", servers[0]["url"]).rstrip("/")
    for path, item in document["paths"].items():
        for method in item.keys() & _METHODS:
            yield method.upper(), base + path, item[method]


def compare_operations(folder: Path) -> Iterator[DriftChange]:
    """Yield each operation that definitions have and this version does not know, and the other way round.

    Args:
        folder: the definitions, as JSON files.

    Raises:
        ConfigError: there are none, or a file is none.
    """
    known = {_unnamed(each): each for each in load_operations()}
    found = {_unnamed(each): each for each in _read_folder(folder)}
    for name in sorted(found.keys() - known.keys()):
        yield DriftChange(found[name], "", "new", "the definitions have it, this version does not know it")
    for name in sorted(known.keys() - found.keys()):
        yield DriftChange(known[name], "", "gone", "the definitions do not have it")


def _read_folder(folder: Path) -> Iterator[str]:
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ConfigError("definitions", f"{folder} has no JSON file", hint=_CURE)
    for file in files:
        try:
            for method, path, _ in list_operations(json.loads(file.read_text("utf-8"))):
                yield f"{method} {path}"
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ConfigError("definitions", f"{file.name} is no OpenAPI definition", hint=_CURE) from error


def _unnamed(operation: str) -> str:
    """Return an operation without the names of its parameters, which may change."""
    return _NAME.sub("{}", operation).rstrip("/")
