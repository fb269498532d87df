"""The reference of the HTTP API, as a page."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from http_api.members import ABSENT, NULL
from http_api.words import FIELDS, PARAMETERS

from damlink._console.acts import ACTS
from damlink._console.pages import PAGES
from damlink._console.roles import least_role

__all__ = ["COMMAND", "PAGE", "PROMISED", "Promise", "describe", "problems", "read_promise", "render_page"]

COMMAND: Final = "python tests/http_api/write_page.py"
PROMISED: Final = Path(__file__).with_name("promised.json")
PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "http-api.md"
_PLURALS: Final = {"object": "objects", "text": "texts"}
Members = Mapping[str, Mapping[str, list[str]]]
# Members, parameters and roles, each by page and name.
Promise = Mapping[str, Members]

HEAD: Final = Path(__file__).with_name("head.md").read_text(encoding="utf-8")
OTHERS: Final = Path(__file__).with_name("others.md").read_text(encoding="utf-8")


def read_promise() -> Promise:
    """Return what is promised."""
    found: Promise = json.loads(PROMISED.read_text(encoding="utf-8"))
    return found


def describe(members: Members) -> Promise:
    """Return what would be promised: the members as they were seen, and what stands beside them."""
    pages = {f"GET {path}": PARAMETERS.get(path, {}) for path in PAGES}
    fields = pages | {f"POST {path}": FIELDS[path] for path in ACTS}
    roles = {page: {"least": [least_role(*page.split()).value]} for page in fields}
    parameters = {page: {name: ["text"] for name in names} for page, names in fields.items()}
    return {"member": members, "parameter": parameters, "role": roles}


def problems(promise: Promise, seen: Promise) -> Iterator[str]:
    """Yield what breaks a promise, and what is not promised yet."""
    for place, types in _flat(promise).items():
        found = _flat(seen).get(place)
        if found is None:
            yield f"{place} is gone; it is promised: deprecate it first"
        elif found != types:
            what = f"{' or '.join(found)}, and was {' or '.join(types)}"
            yield f"{place} is {what}; it is promised: deprecate it first"
    for place in _flat(seen).keys() - _flat(promise).keys():
        yield f"{place} is new; write the page anew: {COMMAND}"


def _flat(promise: Promise) -> dict[str, list[str]]:
    return {
        f"{page}: {section} {name}": types
        for section, pages in promise.items()
        for page, names in pages.items()
        for name, types in names.items()
    }


def render_page(seen: Members, ways: Mapping[str, set[str]]) -> str:
    """Return the page."""
    return "".join([HEAD, "\n", *_pages(seen), *_forms(seen, ways), OTHERS])


def _pages(seen: Members) -> Iterator[str]:
    yield "## Pages\n\n"
    for path, function in PAGES.items():
        yield f"### `{path}`\n\n{_summary(function)} Least role: {least_role('GET', path).value}.\n\n"
        yield from _table("parameter", PARAMETERS.get(path, {}))
        yield from _members(seen[f"GET {path}"])


def _forms(seen: Members, ways: Mapping[str, set[str]]) -> Iterator[str]:
    yield "## Forms\n\n"
    for path, function in ACTS.items():
        title = f"POST {path}"
        yield f"### `{title}`\n\n{_summary(function)} Least role: {least_role('POST', path).value}."
        yield f" Answer: {_ways(ways[title])}.\n\n"
        yield from _table("field", FIELDS[path])
        if title in seen:
            yield from _members(seen[title])


def _summary(function: Any) -> str:
    text = inspect.getdoc(function) or ""
    assert text, function
    return " ".join(text.partition("\n\n")[0].split())


def _ways(found: set[str]) -> str:
    addresses = [f"`{each.split()[1]}`" for each in sorted(found) if each.startswith("303")]
    parts = [f"303 to {' or '.join(addresses)}"] if addresses else []
    return ", or ".join([*parts, *(["200 with a page"] if "200" in found else [])])


def _table(kind: str, words: Mapping[str, str]) -> Iterator[str]:
    if words:
        yield f"| {kind} | what it is |\n| --- | --- |\n"
        yield from (f"| `{name}` | {text} |\n" for name, text in words.items())
        yield "\n"


def _members(members: Mapping[str, list[str]]) -> Iterator[str]:
    yield "| member | type |\n| --- | --- |\n"
    for path, types in sorted(members.items()):
        if path not in ("title", "command") and not path.endswith("[]"):
            yield f"| `{path}` | {_types(types, members.get(f'{path}[]', []))} |\n"
    yield "\n"


def _types(types: list[str], items: list[str]) -> str:
    known = [each for each in types if each not in (ABSENT, NULL, "list")]
    lists = [f"list of {_PLURALS[each]}" for each in items]
    text = " or ".join([*known, *lists, *([NULL] if NULL in types else [])])
    return f"{text}; not always" if ABSENT in types else text
