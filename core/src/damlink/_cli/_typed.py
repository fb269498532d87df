"""Parsers of settings on the command line: after `--set KEY=`, and as answers in a dialogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from damlink._config.edit import toml_value
from damlink._config.settings import Field
from damlink._config.values import item_of
from damlink._config.values import value_of as value_of_table

__all__ = ["entry_of", "is_list", "is_table", "parse_settings", "value_of"]


def is_list(field: Field) -> bool:
    """Return whether a setting is a list of texts."""
    return item_of(field.type) is str


def is_table(field: Field) -> bool:
    """Return whether a setting is a table of names and values."""
    return value_of_table(field.type) is not None


def value_of(field: Field | None, text: str) -> Any:
    """Return the value of a setting from its text. A comma does not separate values."""
    value = toml_value(text)
    if field is None or field.type is not str:
        return value
    return value if isinstance(value, str | dict) else text


def entry_of(text: str) -> tuple[str, Any]:
    """Return the name and the value of a table's entry, `NAME = VALUE`.

    Raises:
        click.BadParameter: the text has no "=".
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise click.BadParameter(f"{text!r} is not NAME = VALUE")
    return name.strip(), toml_value(value.strip())


def parse_settings(settings: Iterable[str], fields: Iterable[Field]) -> dict[str, Any]:
    """Return the values of `--set KEY=VALUE`.

    A list is a repeated option or a TOML list; a table is `KEY.NAME=VALUE` or a TOML table.

    Raises:
        click.UsageError: a setting has no "=".
    """
    known = {field.name: field for field in fields}
    values: dict[str, Any] = {}
    for text in settings:
        key, equals, written = text.partition("=")
        if not equals:
            raise click.UsageError(f"--set {text}: write KEY=VALUE")
        _put(values, known, key.strip(), written)
    return values


def _put(values: dict[str, Any], known: Mapping[str, Field], key: str, written: str) -> None:
    table, dot, entry = key.partition(".")
    if dot and table in known and is_table(known[table]):
        values[table] = {**values.get(table, {}), entry: toml_value(written)}
        return
    field = known.get(key)
    value = value_of(field, written)
    if field is not None and is_list(field) and not isinstance(value, list):
        value = [*values.get(key, ()), value if isinstance(value, str) else written]
    values[key] = value
