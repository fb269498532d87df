"""The shape of each answer as published, and as a portal of the sandbox gives it."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from workspace.published import Operation, operations_of

from damlink.bynder._shape import ANY_NAME, Field, Shape, kind_of, step

__all__ = ["ANSWERS", "file_of", "published_shapes", "seen_shapes"]

ROOT: Final = Path(__file__).parents[2]
ANSWERS: Final = ROOT / "core/src/damlink/bynder/answers.json"
# Objects whose fields are named by the portal, if the definition shows them by example only.
_BY_NAME: Final = re.compile(r"(^|.*\.)(thumbnails|labels|transformBaseUrls|metaproperties|property_\*)$")
_RECORDS_BY_NAME: Final = {"GET /api/v4/metaproperties", "GET /api/v4/metaproperties/options"}
_MOST: Final = 20
_ID_OR_LANGUAGE: Final = re.compile(r"[0-9a-fA-F-]{32,36}|[a-z]{2}_[A-Z]{2}")
_JSON: Final = re.compile(r"application/(.*\+)?json")
_KINDS: Final = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
    "null": "null",
}
Kinds = dict[str, set[str]]


def published_shapes(folder: Path) -> dict[str, Shape]:
    """The answers of the operations that only read, from a folder of definitions."""
    found: dict[str, Kinds] = {}
    for file in sorted(folder.glob("*.json")):
        for operation in operations_of(file):
            for content in _contents(operation):
                _merge(found.setdefault(str(operation), {}), _published(operation, content))
    return {
        name: {path: Field(frozenset(kinds), always=False) for path, kinds in sorted(shape.items())}
        for name, shape in sorted(found.items())
    }


def _contents(operation: Operation) -> Iterator[Mapping[str, Any]]:
    if operation.method == "GET":
        for status, answer in operation.body["responses"].items():
            if status.startswith("2"):
                yield from (
                    each for kind, each in (answer.get("content") or {}).items() if _JSON.fullmatch(kind)
                )


def _published(operation: Operation, content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    schema = content.get("schema", {})
    yield from _of_schema(schema, "", operation.components)
    examples = [each["value"] for each in content.get("examples", {}).values()]
    for example in (*examples, content.get("example"), schema.get("example")):
        value = _read(example)
        if isinstance(value, dict | list):
            yield from _of_value(value, "", by_name=str(operation) in _RECORDS_BY_NAME)


def _read(example: Any) -> Any:
    """Some examples are JSON that is written as a text."""
    try:
        return json.loads(example) if isinstance(example, str) else example
    except ValueError:
        return None


def _of_schema(schema: Mapping[str, Any], path: str, parts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "$ref" in schema:
        schema = parts["schemas"][schema["$ref"].rpartition("/")[2]]
    kinds = schema.get("type", ())
    yield from ((path, _KINDS[each]) for each in ([kinds] if isinstance(kinds, str) else kinds))
    for key in ("allOf", "anyOf", "oneOf"):
        for each in schema.get(key, ()):
            yield from _of_schema(each, path, parts)
    if "items" in schema:
        yield from _of_schema(schema["items"], f"{path}[]", parts)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _of_schema(schema["additionalProperties"], step(path, ANY_NAME), parts)
    fields = schema.get("properties", {})
    for name, each in fields.items():
        yield from _of_schema(each, _named(path, name, is_by_name=_is_by_name(path, fields)), parts)


def _of_value(value: Any, path: str, *, by_name: bool = False) -> Iterator[tuple[str, str]]:
    yield path, kind_of(value)
    if isinstance(value, list):
        for inner in value:
            yield from _of_value(inner, f"{path}[]")
    elif isinstance(value, dict):
        by_name = by_name or _is_by_name(path, value)
        for name, inner in value.items():
            yield from _of_value(inner, _named(path, name, is_by_name=by_name))


def _is_by_name(path: str, names: Iterable[str]) -> bool:
    found = [*names]
    return bool(_BY_NAME.fullmatch(path) or (found and all(map(_ID_OR_LANGUAGE.fullmatch, found))))


def _named(path: str, name: str, *, is_by_name: bool) -> str:
    return step(path, ANY_NAME if is_by_name else name)


def _merge(kinds: Kinds, more: Iterable[tuple[str, str]]) -> None:
    for path, kind in more:
        kinds.setdefault(path, set()).add(kind)


# --- the sandbox ------------------------------------------------------------------------------------


def seen_shapes(published: Mapping[str, Shape]) -> dict[str, Shape]:
    """The published shapes with what a portal of the sandbox answers: its types, and what is always there."""
    sys.path.insert(0, str(ROOT / "tests"))
    from official.every_call import make_every_call, open_portal, open_world

    from damlink.bynder._drift import read_answers

    found: dict[str, list[Any]] = {}
    with (
        open_portal() as sandbox,
        tempfile.TemporaryDirectory() as folder,
        open_world(sandbox, Path(folder) / "small.jpg") as world,
    ):
        make_every_call(world)
        _add_the_rest(world)
        for portal in (world.portal, world.application):
            for operation, answer in read_answers(portal._client, _MOST):
                found.setdefault(operation, []).append(answer)
    shapes = {name: _with_answers(shape, found.get(name, []), name) for name, shape in published.items()}
    return {name: _with_fields_of_one(name, shape, shapes) for name, shape in shapes.items()}


def _add_the_rest(world: Any) -> None:
    """Add what the calls have removed at the end."""
    portal, me = world.portal, world.me.id
    portal.usage.create(integration_id=str(uuid.uuid4()), asset_id=world.asset, uri="https://example.com")
    portal.webhooks.create(
        name="All", endpoint="https://damlink.example/events/brand/0123", events=["asset_bank.media.create"]
    )
    portal.workflow.create_group(name="Press", user_ids=[me])
    portal.access.add(world.shade, users=[me])
    portal.access.set_option(world.red, users=[me])


def _with_answers(shape: Shape, answers: list[Any], operation: str) -> Shape:
    kinds: Kinds = {path: {*field.kinds} for path, field in shape.items()}
    by_name = operation in _RECORDS_BY_NAME or ANY_NAME in shape
    fields = [each for answer in answers for each in _of_value(answer, "", by_name=by_name)]
    _merge(kinds, fields)
    counts: dict[str, int] = {}
    for path, kind in fields:
        counts[path] = counts.get(path, 0) + 1
        counts[f"{path} {kind}"] = counts.get(f"{path} {kind}", 0) + 1
    return {
        path: Field(frozenset(each), _is_published(path, shape) and _is_always(path, counts))
        for path, each in sorted(kinds.items())
    }


def _with_fields_of_one(name: str, shape: Shape, shapes: Mapping[str, Shape]) -> Shape:
    """Return the shape of a list with the fields that are known only where one of its records is read."""
    one = shapes.get(f"{name.rstrip('/')}/{{id}}", {}) if "[]" in shape else {}
    more = {f"[].{path}": Field(field.kinds, always=False) for path, field in one.items() if path}
    return dict(sorted({**more, **shape}.items()))


def _is_published(path: str, shape: Shape) -> bool:
    """Whether a field is published; some definitions show one record where the portal answers a list."""
    return path in shape or path.removeprefix("[].") in shape


def _is_always(path: str, counts: Mapping[str, int]) -> bool:
    """Whether each object in which a field may be has it."""
    parent, _, name = path.rpartition(".")
    objects = counts.get(f"{parent} object", 0)
    return not name.endswith(("[]", ANY_NAME)) and 0 < objects == counts.get(path, 0)


def file_of(shapes: Mapping[str, Shape]) -> str:
    """The shapes as the client keeps them."""
    rows = {name: {path: field.note() for path, field in shape.items()} for name, shape in shapes.items()}
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    return f"{{\n{text}\n}}\n"
