"""`damlink settle`: decide whether an uncertain asset has arrived."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._completion import complete_connectors
from damlink._cli._noted import note
from damlink._cli._options import open_connector_session, with_config
from damlink._cli._output import echo


@click.command("settle")
@click.argument("name", shell_complete=complete_connectors)
@click.argument("source_id", metavar="ID")
@click.option("--saved", is_flag=True, help="It has arrived, as the asset MEDIA_ID.")
@click.argument("media_id", required=False)
@click.option("--again", is_flag=True, help="It has not arrived: carry it again.")
@with_config
def command(
    name: str, source_id: str, saved: bool, media_id: str | None, again: bool, config_path: Path | None
) -> None:
    """Decide whether an uncertain asset has arrived, after you have looked in the portal."""
    from damlink._run.repair import settle

    if saved == again:
        raise click.UsageError("give either --saved [MEDIA_ID] or --again")
    # An id with --again would be ignored silently, and the asset carried a second time.
    if media_id and again:
        raise click.UsageError("MEDIA_ID belongs to --saved")
    with open_connector_session(config_path, name) as (session, name):
        settle(session.database, session.cipher, name, source_id, saved=saved, target_id=media_id or "")
        details = {"arrived": "yes" if saved else "no"} | ({"target_id": media_id} if media_id else {})
        note(session, f"{name} {source_id}", details)
    said = "is recorded as pushed" if saved else "is due again"
    echo(f"{name}: {source_id} {said}")
