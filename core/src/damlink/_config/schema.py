"""The JSON Schema of a settings class, derived from its declaration."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from damlink._config.duration import Duration
from damlink._config.settings import Field, fields_of, plain
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
    Secret: _SECRET_SCHEMA,
    tuple[str, ...]: {"type": "array", "items": {"type": "string"}},
    tuple[Secret, ...]: {"type": "array", "items": _SECRET_SCHEMA},
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
    schema: dict[str, Any] = (
        {"enum": list(field.choices)} if field.choices else dict(_SCHEMAS.get(field.type, {}))
    )
    schema["description"] = field.help
    if field.identifies:
        schema["x-identifies"] = field.identifies
    if not field.required and field.default is not None and not field.secret:
        schema["default"] = plain(field.default)
    return schema
