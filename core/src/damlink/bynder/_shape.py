"""Shape of JSON answers: the type of each field by its path, and the differences between two shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

__all__ = ["ANY_NAME", "NO_JSON", "Field", "Shape", "differences", "kind_of", "observe", "read_shape", "step"]

_KINDS: Final = {
    bool: "true or false",
    str: "text",
    int: "number",
    float: "number",
    dict: "object",
    list: "list",
}
_NULL: Final = "null"
# What an answer is that cannot be read.
NO_JSON: Final = object()
# Name of the fields of an object that has records by id, by language or by name.
ANY_NAME: Final = "*"
# Fields of assets that are named after the portal's metaproperties.
_OWN_NAMES: Final = "property_"
_LETTERS: Final = {"t": "text", "n": "number", "b": "true or false", "o": "object", "l": "list", "0": _NULL}


@attrs.frozen
class Field:
    """Knowledge of one field.

    Attributes:
        kinds: its types; none if they are not published.
        always: whether each object has it.
    """

    kinds: frozenset[str]
    always: bool = False

    @classmethod
    def read(cls, noted: str) -> Field:
        """Return what a note such as `tn?` says: text or number, may be missing."""
        return cls(frozenset(_LETTERS[each] for each in noted.rstrip("?")), not noted.endswith("?"))

    def note(self) -> str:
        """Return the note of it."""
        return "".join(each for each, kind in _LETTERS.items() if kind in self.kinds) + "?" * (
            not self.always
        )


Shape = Mapping[str, Field]
"""What is known of each field of an answer, by its path, such as `[].tags`; that of the answer is empty."""


def read_shape(noted: Mapping[str, str]) -> Shape:
    """Return a shape from its notes."""
    return {path: Field.read(each) for path, each in noted.items()}


def kind_of(value: Any) -> str:
    """Return the type of a JSON value in words."""
    return "no JSON" if value is NO_JSON else _KINDS.get(type(value), _NULL)


def step(path: str, name: str, shape: Iterable[str] = ()) -> str:
    """Return the path of a field of an object; of one that has its fields by any name, that of them all."""
    begun = f"{path}." if path else ""
    if f"{begun}{ANY_NAME}" in shape:
        return f"{begun}{ANY_NAME}"
    if name.startswith(_OWN_NAMES):
        return f"{begun}{_OWN_NAMES}{ANY_NAME}"
    # A dot would look like a field of a field.
    return begun + name.replace(".", "·")


def observe(value: Any, shape: Shape, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the type of each field of an answer, as deep as the shape describes it.

    An empty object counts as null, because the portal also sends it as an empty list.
    """
    is_empty = value in ([], {}) and "object" in _kinds(shape, path)
    yield path, _NULL if is_empty else kind_of(value)
    if isinstance(value, dict) and _describes(shape, path):
        for name, inner in value.items():
            yield from observe(inner, shape, step(path, name, shape))
    elif isinstance(value, list) and f"{path}[]" in shape:
        for inner in value:
            yield from observe(inner, shape, f"{path}[]")


def _kinds(shape: Shape, path: str) -> frozenset[str]:
    return shape[path].kinds if path in shape else frozenset()


def _describes(shape: Shape, path: str) -> bool:
    """Return whether a shape names any field of an object."""
    begun = f"{path}." if path else ""
    return any(
        each.startswith(begun) and each != path and not each.removeprefix(begun).startswith("[]")
        for each in shape
    )


def differences(shape: Shape, seen: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield what answers have otherwise than a shape says: the path, `new`, `gone` or `type`, and details."""
    found: dict[str, set[str]] = {}
    for path, kind in seen:
        found.setdefault(path, set()).add(kind)
    for path, kinds in sorted(found.items()):
        now = kinds - {_NULL}
        if path not in shape:
            yield path, "new", _words(now) or _NULL
        elif (before := shape[path].kinds - {_NULL}) and now - before:
            yield path, "type", f"was {_words(before)}, is {_words(now - before)}"
    for path, field in sorted(shape.items()):
        if field.always and path not in found and "object" in found.get(_parent(path), ()):
            yield path, "gone", f"was {_words(field.kinds)}"


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _words(kinds: Iterable[str]) -> str:
    return " or ".join(sorted(kinds))
