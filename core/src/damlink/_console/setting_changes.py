"""A change of settings as the audit log says it: each value before and after, and no secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from damlink._config.load import Config
from damlink._config.references import is_reference, reference_text
from damlink._config.settings import Field, fields_of
from damlink._config.tables import CONNECTOR_KEYS, PortalConfig
from damlink._config.values import value_text
from damlink._console.drafts import Kept
from damlink._console.setting_pages import fields_of_connector
from damlink._secret import Secret

__all__ = ["describe_changes"]

MOST_CHARACTERS: Final = 200
NOT_SET: Final = "not set"
NOT_NOTED: Final = "(not noted)"


def describe_changes(before: Config, after: Config, kept: Kept) -> dict[str, list[str]]:
    """Return before and after of each setting that a change touches, by its name.

    Args:
        before: the config without the change.
        after: the config with it.
    """
    known = before.connectors.get(kept.name)
    fields = fields_of_connector(after, kept.name)
    found = dict(_compare(known.table if known else {}, kept.changes, fields))
    # Stored under a name that stays, so that the reference to it says nothing.
    found |= {name: ["(a secret)", "(another secret)"] for name in kept.typed}
    for name, table in kept.portals.items():
        changes = _compare({}, table, fields_of(PortalConfig))
        found |= {f"portals.{name}.{setting}": values for setting, values in changes}
    return found


def _compare(
    before: Mapping[str, Any], changes: Mapping[str, Any], fields: Sequence[Field]
) -> Iterator[tuple[str, list[str]]]:
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
