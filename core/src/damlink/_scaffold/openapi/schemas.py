"""Schemas of a definition: their properties, types, and values that fit them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from damlink._scaffold.openapi.document import Document

__all__ = ["fit", "items_of", "make_value", "properties_of", "sample_of", "type_of"]

_DEEPEST: Final = 5
# Objects may be in each other, and each in many others: a sample has a few of those that are within.
_DEEPEST_SAMPLE: Final = 2
_MOST_WITHIN: Final = 8
_SAMPLES: Final = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T12:00:00Z",
    "uri": "https://example.com/a",
    "url": "https://example.com/a",
    "uuid": "6f0c6d2e-8a35-4a53-9d7b-1f2f5d6f2a11",
    "email": "someone@example.com",
}


def type_of(document: Document, schema: Any) -> str:
    """Return the JSON type of a schema: the first one that is not null; empty if it names none."""
    return next((kind for node in _parts(document, schema, set()) if (kind := _own_type(node))), "")


def _own_type(node: Mapping[str, Any]) -> str:
    kind = node.get("type")
    kinds = [each for each in kind if each != "null"] if isinstance(kind, list) else [kind]
    if kinds and isinstance(kinds[0], str):
        return kinds[0].lower()
    return "object" if "properties" in node else "array" if "items" in node else ""


def _parts(document: Document, schema: Any, seen: set[int]) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and all that it is combined from, each once: they may be combined in a circle."""
    node = document.follow(schema)
    if id(node) in seen:
        return
    seen.add(id(node))
    yield node
    for name in ("allOf", "anyOf", "oneOf"):
        for each in _list(node.get(name)):
            yield from _parts(document, each, seen)


def properties_of(document: Document, schema: Any) -> dict[str, Any]:
    """Return the properties of an object, with those of all that it is combined from."""
    return _properties(document, schema, set())


def _properties(document: Document, schema: Any, seen: set[int]) -> dict[str, Any]:
    node = document.follow(schema)
    if id(node) in seen:
        return {}
    seen.add(id(node))
    found: dict[str, Any] = {}
    for each in _list(node.get("allOf")):
        found |= _properties(document, each, seen)
    for name in ("oneOf", "anyOf"):
        for each in _list(node.get(name)):
            found = {**_properties(document, each, seen), **found}
    own = node.get("properties")
    return found | (dict(own) if isinstance(own, Mapping) else {})


def items_of(document: Document, schema: Any) -> Any:
    """Return the schema of a list's items; `None` if it is no list."""
    if type_of(document, schema) != "array":
        return None
    return next((node["items"] for node in _parts(document, schema, set()) if node.get("items")), {})


def sample_of(document: Document, schema: Any, depth: int = 0) -> Any:
    """Return a value for a schema: its own example, or an invented one."""
    node = document.follow(schema)
    for name in ("example", "default", "const"):
        if node.get(name) is not None:
            return node[name]
    for name in ("examples", "enum"):
        if _list(node.get(name)):
            return node[name][0]
    return make_value(document, schema, depth)


def make_value(document: Document, schema: Any, depth: int = 0) -> Any:
    """Return a value for a schema, whatever its own example is."""
    node, kind = document.follow(schema), type_of(document, schema)
    if kind == "object":
        properties = properties_of(document, schema) if depth < _DEEPEST_SAMPLE else {}
        few = itertools.islice(properties.items(), _MOST_WITHIN)
        return {name: sample_of(document, each, depth + 1) for name, each in few}
    if kind == "array":
        items = items_of(document, schema)
        return [sample_of(document, items, depth + 1)] if depth < _DEEPEST_SAMPLE else []
    plain = {
        "integer": 1,
        "number": 1.5,
        "boolean": True,
        "string": _SAMPLES.get(str(node.get("format")), "sample"),
    }
    return plain.get(kind)


def fit(value: Any, annotation: str) -> Any:
    """Return a value that has the type of a field; `None` if it has another."""
    kind = annotation.partition(" |")[0]
    if kind == "str":
        return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else None
    if kind in ("int", "float"):
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return value if is_number else None
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if kind.startswith("tuple"):
        return [each for each in value if isinstance(each, str)] if isinstance(value, list) else None
    return _plain(value, 0)


def _plain(value: Any, depth: int) -> Any:
    """Return a value as JSON that can be stored."""
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(name): _plain(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list) and depth < _DEEPEST:
        return [_plain(each, depth + 1) for each in value[:10]]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
