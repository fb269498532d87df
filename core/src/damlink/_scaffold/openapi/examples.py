"""Schemas of examples, for definitions that describe an answer by an example alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["read_example", "schema_of"]

_DEEPEST: Final = 5


def read_example(example: Any) -> Any:
    """Return an example as data: some definitions write it as a text of JSON."""
    if not isinstance(example, str) or example.lstrip()[:1] not in ("{", "["):
        return example
    try:
        return json.loads(example)
    except (ValueError, RecursionError):
        return example


def schema_of(example: Any, depth: int = 0) -> Mapping[str, Any]:
    """Return a schema that an example fits; an empty one if it says nothing."""
    if isinstance(example, Mapping) and depth < _DEEPEST:
        properties = {str(name): schema_of(each, depth + 1) for name, each in example.items()}
        return {"type": "object", "properties": properties}
    if isinstance(example, list) and depth < _DEEPEST:
        return {"type": "array", "items": schema_of(example[0], depth + 1) if example else {}}
    # `bool` is an `int` to Python.
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(example, kind):
            return {"type": name}
    return {}
