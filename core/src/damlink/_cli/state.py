"""`damlink state`: look at, save, or start over what is kept of a connector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from damlink._cli._options import as_json, load_config, with_config
from damlink._cli._output import assets_text, echo, text_of
from damlink._cli._terminal import is_terminal


@click.group("state")
def command() -> None:
    """Show, export or reset the state of a connector."""


@command.command("show")
@click.argument("name")
@as_json
@with_config
def show(name: str, json_: bool, config_path: Path | None) -> None:
    """Show how far the listing has come, the lease, and the number of assets by state."""
    from damlink._cli._output import print_json
    from damlink._run.session import Session

    config = load_config(config_path)
    name = config.connector(name).name
    with Session(config, keeps=False) as session:
        found = _shown(session, name)
    if json_:
        print_json(found)
    else:
        for key, value in found.items():
            echo(f"{key}: {text_of(value)}")


def _shown(session: Any, name: str) -> dict[str, Any]:
    from damlink._state.lease import read_lease
    from damlink._state.ledger import Ledger

    if not session.has_database:
        return {"database": None}
    ledger = Ledger(session.database, name)
    progress = attrs.asdict(ledger.progress())
    lease = read_lease(session.database, name)
    return {"database": session.database.place, **progress, "lease": lease, "assets": ledger.counts()}


@command.command("export")
@click.argument("name")
@with_config
def export(name: str, config_path: Path | None) -> None:
    """Write every row as JSON lines on stdout. Notes of transfers under way, and secrets, stay out."""
    from damlink._cli._output import print_json_lines
    from damlink._run.session import Session
    from damlink._state.ledger import Ledger

    config = load_config(config_path)
    name = config.connector(name).name
    with Session(config, keeps=False) as session:
        if session.has_database:
            print_json_lines(_exported(row) for row in Ledger(session.database, name).rows())


def _exported(row: Any) -> dict[str, Any]:
    return attrs.asdict(row, filter=attrs.filters.exclude("checkpoint"))


@command.command("reset")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_config
def reset(name: str, yes: bool, config_path: Path | None) -> None:
    """Forget every row and the cursor of a connector; the next run begins as if it were the first.

    What it then finds in the portal already is taken over where the plugin can tell it apart.
    Anything else is brought, and may be paid for, again.
    """
    from damlink._run.backup_marker import Marker
    from damlink._run.repair import reset as forget
    from damlink._run.session import Session
    from damlink._state.identity import Identity

    config = load_config(config_path)
    name = config.connector(name).name
    if not yes:
        if not is_terminal():
            raise click.UsageError("there is no terminal to ask on: confirm with --yes")
        click.confirm(f"Forget everything that is known of {name}?", abort=True, err=True)
    with Session(config) as session:
        count = forget(session.database, name)
        marked = Marker(Identity(session.database).ensure(), name).read()
        Identity(session.database).raise_count(name, marked)
    echo(f"{name}: {assets_text(count)} forgotten")


@command.command("accept")
@with_config
def accept(config_path: Path | None) -> None:
    """Go on with a database that was restored from a backup.

    A run refuses such a database, for it would carry again what was carried after the backup. From here on
    every asset is looked for in the portal before it is carried, until each listing has been walked once.
    """
    from damlink._run.backup_marker import accept as go_on
    from damlink._run.backup_marker import is_restored
    from damlink._run.session import Session

    config = load_config(config_path)
    with Session(config) as session:
        names = list(config.connectors)
        if not any(is_restored(session.database, name) for name in names):
            echo("the database is not older than its last run; there is nothing to accept")
            return
        go_on(session.database, names, session.now)
    echo("accepted: every asset is looked for in the portal before it is carried")
