"""The members of JSON: their paths and types, as they were seen in answers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["ABSENT", "NULL", "Members"]

NULL: Final = "null"
# Of a member that not every object of its kind has.
ABSENT: Final = "absent"
# Objects whose keys are names, such as those of settings or of states.
FREE: Final = {"actions", "basis", "counts", "listed", "outcomes", "settings", "spends"}
# Objects whose values may be anything.
OPAQUE: Final = {"details"}
_TEXTS: Final = {
    "moment": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00"),
    "day": re.compile(r"\d{4}-\d\d-\d\d"),
}


class Members:
    """The members that were seen in the answers of one page."""

    def __init__(self) -> None:
        self._types: dict[str, set[str]] = defaultdict(set)
        self._seen: Counter[str] = Counter()
        self._objects: Counter[str] = Counter()
        self._parents: dict[str, str] = {}

    def add(self, answer: Any) -> None:
        """Add an answer."""
        self._read(answer, "")

    def _read(self, value: Any, path: str) -> None:
        self._types[path].add(_type_of(value))
        self._seen[path] += 1
        name = path.rpartition(".")[2]
        if isinstance(value, list):
            for each in value:
                self._read(each, f"{path}[]")
        elif isinstance(value, dict) and (name in FREE or name == "assets"):
            for each in value.values():
                self._read(each, f"{path}.*")
        elif isinstance(value, dict) and name not in OPAQUE:
            self._objects[path] += 1
            for key, each in value.items():
                own = f"{path}.{key}".lstrip(".")
                self._parents[own] = path
                self._read(each, own)

    def types(self) -> Mapping[str, list[str]]:
        """Return the types of each member by its path."""
        return {path: sorted(self._all_types(path)) for path in self._types if path}

    def _all_types(self, path: str) -> Iterator[str]:
        found = self._types[path]
        # Where one text is no moment, none is promised to be one.
        texts = found & {"text", *_TEXTS}
        yield from found - texts
        yield from texts if len(texts) < 2 else {"text"}
        if path in self._parents and self._seen[path] < self._objects[self._parents[path]]:
            yield ABSENT


def _type_of(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, str):
        return next((kind for kind, form in _TEXTS.items() if form.fullmatch(value)), "text")
    kinds = {bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}
    return kinds[type(value)]
