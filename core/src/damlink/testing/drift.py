"""Comparison of two recordings: the fields of answers that are new, gone or of another type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs
import httpx

from damlink.bynder._shape import kind_of
from damlink.testing.recording import Exchange

__all__ = ["Change", "compare"]

_NULL: Final = "null"


@attrs.frozen(order=True)
class Change:
    """One field that is not as it was recorded.

    Attributes:
        request: such as `GET /pictures/{}`.
        field: its path, such as `items[].title`.
        kind: `new`, `gone` or `type`.
        detail: its types, before and now.
    """

    request: str
    field: str
    kind: str
    detail: str


Shape = dict[str, set[str]]
"""Types by the path of each field."""


def compare(before: Iterable[Exchange], now: Iterable[Exchange]) -> list[Change]:
    """Return the changes of all requests that both have. Only answers in JSON are compared."""
    old, new = _shapes(before), _shapes(now)
    return sorted(
        change
        for request in old.keys() & new.keys()
        for change in _changes(request, old[request], new[request])
    )


def _changes(request: str, old: Shape, new: Shape) -> Iterator[Change]:
    for field in old.keys() | new.keys():
        before, now = old.get(field), new.get(field)
        if before and now:
            # Of a field that was never filled, the type is not known.
            if now - before and before != {_NULL}:
                yield Change(request, field, "type", f"was {_words(before)}, is {_words(now)}")
        elif now and _has_place(field, old):
            yield Change(request, field, "new", _words(now))
        elif before and _has_place(field, new):
            yield Change(request, field, "gone", f"was {_words(before)}")


def _has_place(field: str, shape: Shape) -> bool:
    """Return whether the object that a field would be in was seen. An empty list says nothing."""
    return not field.endswith("[]") and "object" in shape.get(field.rpartition(".")[0], ())


def _words(types: Iterable[str]) -> str:
    return " or ".join(sorted(types))


def _shapes(exchanges: Iterable[Exchange]) -> Mapping[str, Shape]:
    shapes: dict[str, Shape] = {}
    for each in exchanges:
        try:
            value = json.loads(each.answer.body)
        except ValueError:
            continue
        shape = shapes.setdefault(f"{each.method} {_template(each.url)}", {})
        for path, kind in _fields(value, ""):
            shape.setdefault(path, set()).add(kind)
    return shapes


def _template(url: str) -> str:
    """Return the path of an address, with `{}` in place of each id: a part that contains a digit."""
    parts = httpx.URL(url).path.split("/")
    return "/".join(
        "{}" if re.search(r"\d", part) and not re.fullmatch(r"v\d+", part) else part for part in parts
    )


def _fields(value: Any, path: str) -> Iterator[tuple[str, str]]:
    yield path, kind_of(value)
    if isinstance(value, dict):
        for name, inner in value.items():
            # A dot would look like a field of a field.
            yield from _fields(inner, f"{path}.{name.replace('.', '·')}" if path else name.replace(".", "·"))
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner, f"{path}[]")
