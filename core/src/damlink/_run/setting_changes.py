"""A change of settings as the audit log says it: each value before and after, and no secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from damlink._config.load import Config, connector_fields
from damlink._config.references import is_reference, reference_text
from damlink._config.settings import Field, fields_of
from damlink._config.tables import CONNECTOR_KEYS, PortalConfig
from damlink._config.values import value_text
from damlink._plugin.discovery import find
from damlink._plugin.loader import load as load_plugin
from damlink._secret import Secret

__all__ = ["MOST_CHARACTERS", "SECRET_CHANGE", "compare_configs", "compare_tables", "fields_of_connector"]

MOST_CHARACTERS: Final = 200
NOT_SET: Final = "not set"
NOT_NOTED: Final = "(not noted)"
# Stored under a name that stays, so that the reference to it says nothing.
SECRET_CHANGE: Final = ("(a secret)", "(another secret)")


def fields_of_connector(config: Config, name: str) -> list[Field]:
    """Return the settings of a connector: those of its plugin, then those of the core."""
    plugin = load_plugin(find(config.connector(name).plugin))
    return [*fields_of(plugin.settings_class), *connector_fields()]


def compare_configs(
    before: Config, after: Config, owner: str, typed: Iterable[str] = ()
) -> dict[str, Sequence[str]]:
    """Return before and after of each setting of portals and connectors that differs, by its name.

    Args:
        owner: the table that the change is about, such as `connectors.stock`; another one stands before the
            names of its settings.
        typed: names under which secrets were stored with the change.
    """
    found: dict[str, Sequence[str]] = {}
    for table, changes in _find_changes(before, after).items():
        old, fields = _table(before, table), _fields(after, table, changes)
        prefix = "" if table == owner else f"{table}."
        found |= {f"{prefix}{name}": values for name, values in compare_tables(old, changes, fields)}
    return found | dict.fromkeys(typed, SECRET_CHANGE)


def _find_changes(before: Config, after: Config) -> dict[str, dict[str, Any]]:
    found = {}
    tables = [f"portals.{name}" for name in after.portals]
    tables += [f"connectors.{name}" for name in after.connectors]
    for table in tables:
        old, new = _table(before, table), _table(after, table)
        changes = {key: new.get(key) for key in {**old, **new} if old.get(key) != new.get(key)}
        if changes:
            found[table] = changes
    return found


def _table(config: Config, table: str) -> Mapping[str, Any]:
    kind, _, name = table.partition(".")
    known: Mapping[str, Any] = config.portals if kind == "portals" else config.connectors
    return known[name].table if name in known else {}


def _fields(config: Config, table: str, changes: Mapping[str, Any]) -> Sequence[Field]:
    kind, _, name = table.partition(".")
    if kind == "portals":
        return fields_of(PortalConfig)
    # A connector whose plugin cannot be loaded can still be disabled.
    return [] if set(changes) <= set(CONNECTOR_KEYS) else fields_of_connector(config, name)


def compare_tables(
    before: Mapping[str, Any], changes: Mapping[str, Any], fields: Iterable[Field]
) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each changed setting with its value before and after.

    Args:
        changes: the new values, `None` for a removed one.
        fields: the declaration of the settings; the value of another one is not noted.
    """
    shown = {field.name for field in fields if Secret not in (field.type, field.part_type)}
    shown |= set(CONNECTOR_KEYS)
    for name, value in changes.items():
        if value != before.get(name):
            yield name, [_text(each, is_shown=name in shown) for each in (before.get(name), value)]


def _text(value: Any, *, is_shown: bool) -> str:
    """Return a value as text; what may be a secret is noted as a reference alone."""
    if value is None:
        return NOT_SET
    if is_reference(value):
        return reference_text(value)
    return value_text(value)[:MOST_CHARACTERS] if is_shown else NOT_NOTED
