"""A change of settings in the console as the audit log says it."""

from __future__ import annotations

from collections.abc import Sequence

from damlink._config.load import Config
from damlink._config.settings import fields_of
from damlink._config.tables import PortalConfig
from damlink._console.drafts import Kept
from damlink._run.setting_changes import SECRET_CHANGE, compare_tables, fields_of_connector

__all__ = ["describe_changes"]


def describe_changes(before: Config, after: Config, kept: Kept) -> dict[str, Sequence[str]]:
    """Return before and after of each setting that a change touches, by its name.

    Args:
        before: the config without the change.
        after: the config with it.
    """
    known = before.connectors.get(kept.name)
    fields = fields_of_connector(after, kept.name)
    found: dict[str, Sequence[str]] = dict(compare_tables(known.table if known else {}, kept.changes, fields))
    found |= dict.fromkeys(kept.typed, SECRET_CHANGE)
    for name, table in kept.portals.items():
        changes = compare_tables({}, table, fields_of(PortalConfig))
        found |= {f"portals.{name}.{setting}": values for setting, values in changes}
    return found
