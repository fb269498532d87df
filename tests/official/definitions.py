"""Published definitions (a folder of OpenAPI 3.1 files), and what an exchange does otherwise."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from official.conformity import describes, faults, read_as, unlike
from recorder import Exchange
from workspace.published import Operation, operations_of, properties_of

JSON: Final = "application/json"
JSON_API: Final = "application/vnd.api+json"
FORM: Final = "application/x-www-form-urlencoded"
# The storage is no host of the portal's: the one draft that speaks of it writes its host into the path.
STORAGE: Final = "/bynder-public-us-east-1.s3.amazonaws.com/"
KEYED_BY_NAME: Final = {"GET /api/v4/metaproperties"}  # the keys of the example are names of its records


class Definitions:
    """All operations of a folder; what Bynder has dropped (`drafts`) counts where nothing else is said."""

    def __init__(self, where: Path) -> None:
        files = [*sorted(where.glob("*.json")), *sorted(where.glob("drafts/*.json"))]
        self._all = [operation for file in files for operation in operations_of(file)]

    def find(self, method: str, path: str) -> Operation | None:
        """The operation of a request: the one with the fewest names in its path."""
        found = [each for each in self._all if each.matches(method, path)]
        return min(found, key=lambda each: each.path.count("{"), default=None)

    def deviations(self, exchange: Exchange) -> Iterator[tuple[str, str]]:
        """What an exchange does otherwise, each as the operation and the deviation in words."""
        at_storage = exchange.service == "s3"
        operation = self.find(exchange.method, STORAGE if at_storage else exchange.path)
        if operation is None:
            yield f"{exchange.method} {shape(exchange.path)}", "is not published"
            return
        for words in (
            *_query(operation, exchange),
            *_body(operation, exchange),
            *_answer(operation, exchange),
        ):
            yield str(operation), words


def shape(path: str) -> str:
    """A path with its ids taken out."""
    return re.sub(r"(?<=/)(?=[^/]*\d)[0-9A-Za-z._~-]{8,}(?=/|$)", "{}", path)


def _query(operation: Operation, exchange: Exchange) -> Iterator[str]:
    known = {each["name"]: each for each in operation.body.get("parameters", ()) if each["in"] == "query"}
    given = urllib.parse.parse_qs(exchange.query, keep_blank_values=True)
    for name, values in given.items():
        published = known.get("property_NAME" if name.startswith("property_") else name)
        if published is None:
            yield f"query: {name} is not published"
        else:
            schema = published["schema"]
            value = read_as(schema, values if schema.get("type") == "array" else values[0])
            yield from (f"query: {fault}" for fault in faults(schema, value, name, operation.components))
    for name in known.keys() - given.keys():
        if known[name].get("required"):
            yield f"query: {name} is missing"


def _body(operation: Operation, exchange: Exchange) -> Iterator[str]:
    published = operation.body.get("requestBody", {}).get("content", {})
    kind = exchange.content_type
    if not exchange.body:
        needed = {name for each in published.values() for name in _required(operation, each)}
        yield from (f"body: {name} is missing" for name in sorted(needed))
    elif kind not in published:
        yield f"body: {kind} instead of {', '.join(published) or 'nothing'}"
    elif kind == FORM:
        yield from _form(operation, published[kind], exchange.form())
    elif kind == JSON:
        yield from _json(operation, published[kind], json.loads(exchange.body))


def _required(operation: Operation, content: Mapping[str, Any]) -> list[str]:
    resolved = properties_of(content.get("schema", {}), operation.components)
    return [name for name, (_, required) in resolved.items() if required]


def _form(operation: Operation, content: Mapping[str, Any], form: Mapping[str, str]) -> Iterator[str]:
    known = properties_of(content.get("schema", {}), operation.components)
    for name, text in form.items():
        stem = name.partition(".")[0] if name.startswith("metaproperty.") else name
        if stem not in known:
            yield f"body: {stem} is not published"
        elif stem == name:
            schema = known[name][0]
            yield from _field(name, schema, text, operation)
    yield from (f"body: {name} is missing" for name, (_, must) in known.items() if must and name not in form)


def _field(name: str, schema: Mapping[str, Any], text: str, operation: Operation) -> Iterator[str]:
    for fault in faults(schema, read_as(schema, text), name, operation.components):
        yield f"body: {fault}"
    example = _as_json(schema.get("example"))
    if isinstance(example, dict):
        yield from (
            f"body: {name}.{key} is not published" for key in json.loads(text).keys() - example.keys()
        )


def _as_json(text: Any) -> Any:
    """What a text holds that is JSON; `None` if it is none."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _json(operation: Operation, content: Mapping[str, Any], value: Any) -> Iterator[str]:
    schema = content.get("schema", {})
    known = properties_of(schema, operation.components)
    if known and isinstance(value, dict):
        yield from (f"body: {name} is not published" for name in sorted(value.keys() - known.keys()))
    for fault in faults(schema, value, "", operation.components):
        yield f"body: {fault}"


def _answer(operation: Operation, exchange: Exchange) -> Iterator[str]:
    published = operation.body["responses"].get(str(exchange.status))
    if published is None:
        yield f"answer: status {exchange.status} is not published"
        return
    content = published.get("content") or {}
    kind = exchange.answer_type
    if exchange.answer and content and kind not in content:
        yield f"answer {exchange.status}: {kind} instead of {', '.join(content)}"
    elif exchange.answer and kind in (JSON, JSON_API) and content:
        for fault in _faults_of_answer(operation, content[kind], json.loads(exchange.answer)):
            yield f"answer {exchange.status}: {fault}"


def _faults_of_answer(operation: Operation, content: Mapping[str, Any], value: Any) -> Iterator[str]:
    schema = content.get("schema", {})
    examples = [each["value"] for each in content.get("examples", {}).values()]
    examples += [content["example"]] if "example" in content else []
    # Some examples are JSON that is written as a text.
    examples = [_as_json(each) or each for each in examples]
    own = {fault for each in examples for fault in faults(schema, each, "", operation.components)}
    yield from (each for each in faults(schema, value, "", operation.components) if each not in own)
    if examples and not describes(schema):
        if str(operation) in KEYED_BY_NAME:
            examples, value = [[*each.values()] for each in examples], [*value.values()]
        yield from min((list(unlike(each, value)) for each in examples), key=len)
