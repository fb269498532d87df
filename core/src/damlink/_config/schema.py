"""The JSON Schema of a settings class, derived from its declaration."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from damlink._config.duration import Duration
from damlink._config.settings import Field, fields_of, plain
from damlink._config.values import choices_of, item_of, value_of
from damlink._secret import Secret

__all__ = ["json_schema"]

_SECRET_SCHEMA: Final = {
    "oneOf": [
        {
            "type": "object",
            "properties": {kind: {"type": "string"}},
            "required": [kind],
            "additionalProperties": False,
        }
        for kind in ("env", "secret", "file")
    ]
}

_SCHEMAS: Final[dict[Any, dict[str, Any]]] = {
    str: {"anyOf": [{"type": "string"}, *_SECRET_SCHEMA["oneOf"]]},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    date: {"type": "string", "format": "date"},
    Duration: {"type": "string", "pattern": r"^\d+(\.\d+)?[smhd]$"},
    timedelta: {"type": "string", "pattern": r"^\d+(\.\d+)?[smhd]$"},
    Secret: _SECRET_SCHEMA,
}


def json_schema(settings_class: type[Any], title: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a settings class."""
    fields = fields_of(settings_class)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _property(field: Field) -> dict[str, Any]:
    schema = _schema(field.type)
    part = schema
    if field.part_type:
        part = schema["items" if item_of(field.type) else "additionalProperties"]
    if field.choices:
        part.clear()
        part["enum"] = list(field.choices)
    if (field.part_type or field.type) in (int, float):
        limits = {"minimum": field.minimum, "maximum": field.maximum}
        part |= {name: limit for name, limit in limits.items() if limit is not None}
    if field.pattern:
        part["pattern"] = f"^(?:{field.pattern})$"
    schema["description"] = field.help
    if field.identifies:
        schema["x-identifies"] = field.identifies
    if not field.required and field.default is not None and not field.secret:
        schema["default"] = plain(field.default)
    return schema


def _schema(kind: Any) -> dict[str, Any]:
    if choices := choices_of(kind):
        return {"enum": list(choices)}
    if item := item_of(kind):
        return {"type": "array", "items": _item_schema(item)}
    if value := value_of(kind):
        values = {} if value is Any else {"additionalProperties": _item_schema(value)}
        return {"type": "object", **values}
    return dict(_SCHEMAS.get(kind, {}))


def _item_schema(kind: Any) -> dict[str, Any]:
    # Only a setting itself can be a reference to a secret, and so a text written as a table.
    return {"type": "string"} if kind is str else _schema(kind)
