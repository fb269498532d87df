"""Operations of Bynder's published definitions (OpenAPI 3.1), and the inventory of them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from damlink.bynder._published import list_operations

__all__ = [
    "INVENTORY",
    "OPERATIONS",
    "Operation",
    "folder",
    "inventory_of",
    "operations_of",
    "properties_of",
    "read_inventory",
]

ROOT: Final = Path(__file__).parents[2]
INVENTORY: Final = Path(__file__).with_name("bynder_inventory.json")
# What the client knows of it.
OPERATIONS: Final = ROOT / "core/src/damlink/bynder/operations.json"


def folder() -> Path | None:
    """Where the definitions are: as the environment says, else in a folder beside this checkout."""
    if told := os.environ.get("DAMLINK_OPENAPI"):
        return Path(told)
    return next(iter(sorted(ROOT.parent.glob("*/reference/openapi/bynder"))), None)


@attrs.frozen
class Operation:
    """One operation; `components` are those of the document that it stands in."""

    method: str
    path: str
    body: Mapping[str, Any] = attrs.field(factory=dict)
    components: Mapping[str, Any] = attrs.field(factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is for it; a slash at the end does not count."""
        parts = (
            "[^/]+" if part.startswith("{") else _expression(part)
            for part in self.path.rstrip("/").split("/")
        )
        return method == self.method and re.fullmatch("/".join(parts), path.rstrip("/")) is not None


def _expression(part: str) -> str:
    """One segment of a path, of which a name may be a part: `{year}.csv`."""
    return "[^/]+".join(re.escape(text) for text in re.split(r"\{\w+\}", part))


def operations_of(file: Path) -> Iterator[Operation]:
    """Every operation of one document."""
    document = json.loads(file.read_text("utf-8"))
    for method, path, body in list_operations(document):
        yield Operation(method, path, body, document.get("components", {}))


def properties_of(schema: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
    """The properties that a schema of an object names, and whether each is required."""
    if "$ref" in schema:
        return properties_of(components["schemas"][schema["$ref"].rpartition("/")[2]], components)
    found: dict[str, tuple[Any, bool]] = {}
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key, ()):
            found |= properties_of(part, components)
    required = schema.get("required", ())
    return found | {name: (each, name in required) for name, each in schema.get("properties", {}).items()}


# --- the inventory ----------------------------------------------------------------------------------


def read_inventory() -> list[dict[str, Any]]:
    """The committed inventory: each operation once, with its parameters."""
    found: list[dict[str, Any]] = json.loads(INVENTORY.read_text("utf-8"))
    return found


def inventory_of(where: Path) -> list[dict[str, Any]]:
    """The inventory of a folder of definitions, drafts apart; no sentence of theirs is in it."""
    rows: dict[str, dict[str, Any]] = {}
    for file in sorted(where.glob("*.json")):
        for operation in operations_of(file):
            row = rows.setdefault(str(operation), _row(operation))
            row["documents"] = sorted({*row["documents"], file.stem.removesuffix("-openapi")})
    return [rows[name] for name in sorted(rows, key=lambda name: (rows[name]["path"], rows[name]["method"]))]


def _row(operation: Operation) -> dict[str, Any]:
    body, parts = operation.body, operation.components
    given = [
        _parameter(each["name"], each["in"], each.get("schema", {}), each.get("required", False), parts)
        for each in body.get("parameters", ())
    ]
    return {
        "method": operation.method,
        "path": operation.path,
        "documents": [],
        "parameters": given,
        "bodies": dict(_bodies(body.get("requestBody", {}).get("content", {}), parts)),
        "answers": {status: sorted(each.get("content") or {}) for status, each in body["responses"].items()},
        "rights": sorted({right for each in body.get("security") or () for right in _rights(each)}),
    }


def _rights(security: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for rights in security.values():
        yield from rights


def _bodies(content: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for kind, each in content.items():
        found = properties_of(each.get("schema", {}), parts)
        yield kind, [_parameter(name, "body", schema, must, parts) for name, (schema, must) in found.items()]


def _parameter(
    name: str, place: str, schema: Mapping[str, Any], required: bool, parts: Mapping[str, Any]
) -> dict[str, Any]:
    return {"name": name, "in": place, "type": _type(schema, parts), "required": required}


def _type(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _type(parts["schemas"][schema["$ref"].rpartition("/")[2]], parts)
    if schema.get("type") == "array":
        return f"array of {_type(schema.get('items', {}), parts)}"
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key, ()):
            if found := _type(part, parts):
                return found
    kind = schema.get("type", "")
    text = "/".join(kind) if isinstance(kind, list) else str(kind)
    return f"{text} ({schema['format']})" if "format" in schema else text
