"""Whether a value is as a JSON Schema or an example says; each fault in words that hold no id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

FORMATS: Final = FormatChecker(formats=())
_NAMES: Final = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}

_NAMED: Final = re.compile(r"[0-9a-f-]{32,36}|[a-z]{2}_[A-Z]{2}")  # keys that are ids, or languages


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    """RFC 3339: a date, a time and a zone."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def faults(schema: Any, value: Any, place: str, components: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a value, each fault once.

    Args:
        place: what the value is called.
        components: what `$ref` may name.
    """
    validator = Draft202012Validator({"allOf": [schema], "components": components}, format_checker=FORMATS)
    yield from dict.fromkeys(_said(error, place) for error in validator.iter_errors(value))


def _said(error: ValidationError, place: str) -> str:
    where = _place(place, error.absolute_path)
    if error.validator == "type":
        return f"{where} is {_NAMES[type(error.instance)]}, not {error.validator_value}"
    if error.validator == "required":
        return f"{where} lacks {error.message.split(chr(39))[1]}"
    if error.validator == "format":
        return f"{where} is no {error.validator_value}"
    return f"{where} does not keep to {error.validator}"


def _place(start: str, path: Iterable[Any]) -> str:
    steps = ("[]" if isinstance(step, int) else f".{step}" for step in path)
    return (start + "".join(steps)).removeprefix(".") or "it"


def describes(schema: Mapping[str, Any]) -> bool:
    """Whether a schema says more than the type."""
    return bool(
        schema.keys() & {"$ref", "properties", "additionalProperties", "items", "allOf", "anyOf", "oneOf"}
    )


def read_as(schema: Mapping[str, Any], text: Any) -> Any:
    """A text of a query or a form as the type that its schema wants; as it is where it does not look so."""
    kind = schema.get("type")
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in ("integer", "number"):
        try:
            return int(text)
        except ValueError:
            return text
    if kind == "array":
        items = schema.get("items", {})
        return [read_as(items, each) for each in (text if isinstance(text, list) else text.split(","))]
    return text


def unlike(example: Any, value: Any, place: str = "") -> Iterator[str]:
    """Where a value differs from an example: in the types, and in keys that it lacks."""
    yield from dict.fromkeys(_unlike(example, value, place))


def _unlike(example: Any, value: Any, place: str) -> Iterator[str]:
    where = place.removeprefix(".") or "it"
    if isinstance(example, dict) and isinstance(value, dict):
        if example and all(map(_NAMED.fullmatch, example)):  # by ids or languages of the example's own
            example, value = list(example.values()), list(value.values())
            yield from _unlike(example, value, f"{place}.*")
            return
        for key in example:
            if key in value:
                yield from _unlike(example[key], value[key], f"{place}.{key}")
            else:
                yield f"{where} lacks {key}"
    elif isinstance(example, list) and isinstance(value, list):
        for each in value if example else ():
            yield from min((list(_unlike(one, each, f"{place}[]")) for one in example), key=len)
    elif _kind(example) != _kind(value):
        yield f"{where} is {_kind(value)}, not {_kind(example)}"


def _kind(value: Any) -> str:
    name = _NAMES[type(value)]
    return "number" if name == "integer" else name
