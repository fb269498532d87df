"""Values of settings: from a TOML table to Python, and as text for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

import cattrs

from damlink._config.duration import Duration
from damlink._secret import Secret

__all__ = ["CONVERTER", "SECRET_FORM", "WORDS", "value_text"]

SECRET_FORM: Final = "{ env = … }, { secret = … } or { file = … }"

WORDS: Final[dict[Any, str]] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    date: "a date such as 2024-01-31",
    Duration: "a duration such as 90s, 15m, 2h or 1d",
    Secret: f"a secret: {SECRET_FORM}",
    tuple[str, ...]: "a list of texts",
    tuple[Secret, ...]: f"a list of secrets, each {SECRET_FORM}",
    dict[str, Any]: "a table",
    Mapping[str, Any]: "a table",
}


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


def _texts(value: Any, _: Any) -> tuple[str, ...]:
    if type(value) is not list or not all(type(each) is str for each in value):
        raise TypeError("not a list of texts")
    return tuple(value)


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
    converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _texts)
    return converter


CONVERTER: Final = _converter()
