"""Values of settings: from a TOML table to Python, and as text for people."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import cattrs

from damlink._config.duration import Duration
from damlink._secret import Secret

__all__ = ["CONVERTER", "SECRET_FORM", "choices_of", "item_of", "value_of", "value_text", "words"]

SECRET_FORM: Final = "{ env = … }, { secret = … } or { file = … }"

WORDS: Final[dict[Any, str]] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    date: "a date such as 2024-01-31",
    Duration: "a duration such as 90s, 15m, 2h or 1d",
    timedelta: "a duration such as 90s, 15m, 2h or 1d",
    Secret: f"a secret: {SECRET_FORM}",
}
_PLURALS: Final[dict[Any, str]] = {
    str: "texts",
    int: "whole numbers",
    float: "numbers",
    bool: "values, each true or false",
    date: "dates such as 2024-01-31",
    Duration: "durations such as 90s",
    timedelta: "durations such as 90s",
    Secret: f"secrets, each {SECRET_FORM}",
}


def words(kind: Any) -> str:
    """Return in words what a setting of a type expects."""
    if choices := choices_of(kind):
        return " or ".join(map(str, choices))
    if item := item_of(kind):
        return f"a list of {_plural(item)}"
    if value := value_of(kind):
        return "a table" if value is Any else f"a table of {_plural(value)}"
    return WORDS.get(kind, "a value")


def _plural(kind: Any) -> str:
    return _PLURALS.get(kind) or f"values, each {words(kind)}"


def choices_of(kind: Any) -> tuple[Any, ...]:
    """Return the values of a `Literal`; none of another type."""
    return typing.get_args(kind) if typing.get_origin(kind) is Literal else ()


def item_of(kind: Any) -> Any:
    """Return the type of a list's items; `None` of what is no list."""
    return typing.get_args(kind)[0] if typing.get_origin(kind) in (tuple, list) else None


def value_of(kind: Any) -> Any:
    """Return the type of a table's values; `None` of what is no table."""
    return typing.get_args(kind)[1] if typing.get_origin(kind) in (dict, Mapping) else None


def value_text(value: Any) -> str:
    """Return a value as a person writes it: a text as it is, anything else as in TOML."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        entries = ", ".join(f"{key} = {_literal(each)}" for key, each in value.items())
        return f"{{ {entries} }}" if entries else "{}"
    return _literal(value)


def _literal(value: Any) -> str:
    if isinstance(value, Mapping):
        return value_text(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, str | bool):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _strict(kind: type[Any]) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"not {kind.__name__}")
        return value

    return structure


def _float(value: Any, _: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError("not a number")
    return float(value)


def _date(value: Any, _: Any) -> date | None:
    if isinstance(value, str):
        return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise TypeError("not a date")


def _duration(value: Any, _: Any) -> Duration:
    if not isinstance(value, str):
        raise TypeError("not a duration")
    return Duration.parse(value)


def _timedelta(value: Any, _: Any) -> timedelta:
    return timedelta(seconds=_duration(value, Duration))


def _literal_value(value: Any, kind: Any) -> Any:
    # 1 == True and 1.0 == 1: another type is another value.
    if not any(type(each) is type(value) and each == value for each in choices_of(kind)):
        raise ValueError("not one of the choices")
    return value


def _items(value: Any, kind: Any) -> Any:
    if type(value) is not list:
        raise TypeError("not a list")
    items = [CONVERTER.structure(each, item_of(kind)) for each in value]
    return items if typing.get_origin(kind) is list else tuple(items)


def _entries(value: Any, kind: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("not a table")
    return {name: CONVERTER.structure(each, value_of(kind)) for name, each in value.items()}


def _secret(_value: Any, _: Any) -> Secret:
    raise TypeError("a secret is never written into the config")


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _strict(kind))
    converter.register_structure_hook(float, _float)
    converter.register_structure_hook(date, _date)
    converter.register_structure_hook(Duration, _duration)
    converter.register_structure_hook(Secret, _secret)
    converter.register_structure_hook(timedelta, _timedelta)
    converter.register_structure_hook_func(lambda kind: bool(choices_of(kind)), _literal_value)
    converter.register_structure_hook_func(lambda kind: item_of(kind) is not None, _items)
    converter.register_structure_hook_func(lambda kind: value_of(kind) is not None, _entries)
    return converter


CONVERTER: Final = _converter()
