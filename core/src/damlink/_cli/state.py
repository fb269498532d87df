"""`damlink state`: show, export or reset the state of a connector, and upgrade the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from damlink._cli._completion import complete_connectors
from damlink._cli._noted import note
from damlink._cli._options import as_json, load_config, open_connector_session, with_config
from damlink._cli._output import assets_text, echo, text_of
from damlink._cli._terminal import is_terminal


@click.group("state")
def command() -> None:
    """Show, export or reset the state of a connector; upgrade the database."""


@command.command("show")
@click.argument("name", shell_complete=complete_connectors)
@as_json
@with_config
def show(name: str, json_: bool, config_path: Path | None) -> None:
    """Show the position of the listing, the lease, and the number of assets by state."""
    from damlink._cli._output import print_json

    with open_connector_session(config_path, name, keeps=False) as (session, name):
        found = _document(session, name)
    if json_:
        print_json(found)
    else:
        for key, value in found.items():
            echo(f"{key}: {text_of(value)}")


def _document(session: Any, name: str) -> dict[str, Any]:
    from damlink._state.lease import read_lease
    from damlink._state.ledger import Ledger

    if not session.has_database:
        return {"database": None}
    ledger = Ledger(session.database, name)
    progress = attrs.asdict(ledger.progress())
    lease = read_lease(session.database, name)
    return {"database": session.database.place, **progress, "lease": lease, "assets": ledger.counts()}


@command.command("export")
@click.argument("name", shell_complete=complete_connectors)
@with_config
def export(name: str, config_path: Path | None) -> None:
    """Write every row as JSON lines to stdout, without checkpoints and secrets."""
    from damlink._cli._output import print_json_lines
    from damlink._state.ledger import Ledger

    with open_connector_session(config_path, name, keeps=False) as (session, name):
        if session.has_database:
            print_json_lines(_row(row) for row in Ledger(session.database, name).rows())


def _row(row: Any) -> dict[str, Any]:
    return attrs.asdict(row, filter=attrs.filters.exclude("checkpoint"))


@command.command("reset")
@click.argument("name", shell_complete=complete_connectors)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_config
def reset(name: str, yes: bool, config_path: Path | None) -> None:
    """Delete all rows and the cursor of a connector, so that its next run is like the first.

    That run adopts assets that it finds in the portal, if the plugin supports it. All other assets are
    carried again, and may be charged again.
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
        click.confirm(f"Delete all rows of {name}?", abort=True, err=True)
    with Session(config) as session:
        count = forget(session.database, name)
        marked = Marker(Identity(session.database).ensure(), name).read()
        Identity(session.database).raise_count(name, marked)
        note(session, name, {"assets": [count, 0]})
    echo(f"{name}: {assets_text(count)} deleted from the ledger")


@command.command("accept")
@with_config
def accept(config_path: Path | None) -> None:
    """Accept a database that was restored from a backup.

    Runs refuse such a database, since they would carry again what was carried after the backup. After this
    command, every asset is looked up in the portal before it is carried, until each listing has completed
    once.
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
        go_on(session.database, names)
        note(session, "the database", {"connectors": names})
    echo("accepted: every asset is looked for in the portal before it is carried")


@command.command("upgrade")
@with_config
def upgrade(config_path: Path | None) -> None:
    """Bring the database to this version, and say first what is done.

    Other commands upgrade the tables of Damlink as well; the tables of the job engine, which workers need,
    are made and upgraded only here.
    """
    from damlink._run.session import Session
    from damlink._state.database import SCHEMA, find_version

    config = load_config(config_path)
    found = find_version(config.state.url, config.folder)
    if found != SCHEMA:
        echo(f"tables of Damlink: {f'from version {found} to' if found else 'new, of'} version {SCHEMA}")
    with Session(config) as session:
        has_changed = _upgrade_engine(session.database) or found != SCHEMA
        if has_changed:
            note(session, "the database", {"version": [found or "none", SCHEMA]})
    echo("done" if has_changed else "nothing to do: the database is of this version")


def _upgrade_engine(database: Any) -> bool:
    """Upgrade the tables of the job engine, if it is installed and usable; return whether there was need."""
    if database.file is not None:
        return False
    try:
        from damlink._serve.engine import ENGINE, JOBS_SCHEMA, find_pending, upgrade_engine
    except ModuleNotFoundError:
        echo("tables of the job engine: left out, since it is not installed: pip install 'damlink[cluster]'")
        return False
    pending = find_pending(database)
    if pending:
        echo(f"tables of the job engine, in the schema {JOBS_SCHEMA}: {ENGINE}, {', '.join(pending)}")
        upgrade_engine(database)
    return bool(pending)
