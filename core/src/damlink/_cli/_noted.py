"""Entries of the audit log for what commands change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from damlink._cli._output import echo
from damlink.errors import DamlinkError

if TYPE_CHECKING:
    from damlink._config.load import Config
    from damlink._run.session import Session

__all__ = ["note", "note_settings", "read_config"]


def note(session: Session, subject: str, details: Mapping[str, Any] | None = None) -> None:
    """Add what the present command has changed to the audit log.

    Args:
        subject: the connector, portal, user or secret.
        details: what was changed, from what to what; without secrets.
    """
    from damlink._state.audit import Audit
    from damlink._system.os_user import find_os_user

    # No user of the console has a colon in the name, but for those of an issuer: `oidc:NAME`.
    Audit(session.database).note(f"os:{find_os_user()}", _command_name(), subject, details)


def _command_name() -> str:
    """Return the words of the present command after `damlink`, such as `users add`."""
    context = click.get_current_context()
    names: list[str] = []
    while context.parent is not None:
        names.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(names)


def read_config(path: Path) -> Config:
    """Return the config, or an empty one where there is none yet; to compare with it later."""
    from damlink._config.load import load, loads

    return load(path) if path.exists() else loads("", path)


def note_settings(before: Config, kind: str, name: str, typed: Iterable[str] = ()) -> None:
    """Add to the audit log what has changed in the config since it was read.

    The config is written already, and does not depend on the database: where that cannot be used, a warning
    says so, and the change stays.

    Args:
        kind: `connectors` or `portals`, with the name of the table.
        typed: names under which secrets were stored with the change.
    """
    from damlink._config.load import load
    from damlink._run.session import Session
    from damlink._run.setting_changes import compare_configs

    after = load(before.path)
    try:
        with Session(after) as session:
            note(session, name, compare_configs(before, after, f"{kind}.{name}", typed))
    except DamlinkError as error:
        echo(f"damlink: the config is written, but the audit log does not say so: {error}", err=True)
