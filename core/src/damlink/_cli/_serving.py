"""Parts that the commands share which run until a signal: `damlink serve` and `damlink worker`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from damlink._cli._output import echo, end_now

if TYPE_CHECKING:
    from damlink._run.session import Session

__all__ = ["end_unfinished", "log_runs", "verify_backups"]


def log_runs() -> None:
    """Log runs and events, unless a log level was chosen."""
    source = click.get_current_context().find_root().get_parameter_source("log_level")
    if source is ParameterSource.DEFAULT:
        logging.getLogger("damlink.serve").setLevel(logging.INFO)


def verify_backups(session: Session) -> None:
    """Verify that the database is not older than the last run of any enabled connector.

    Raises:
        StateError: it is.
    """
    from damlink._run.backup_marker import verify_not_restored

    for connector in session.config.connectors.values():
        if connector.enabled:
            verify_not_restored(session.database, connector.name)


def end_unfinished(what_follows: str) -> None:
    """Name the hooks that have not returned in time, and end the process."""
    from damlink._plugin.under_way import describe_hanging

    echo(f"damlink: {what_follows}", err=True)
    for line in describe_hanging():
        echo(f"damlink: {line}", err=True)
    end_now(0)
