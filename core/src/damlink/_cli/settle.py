"""`damlink settle`: decide whether an uncertain asset has arrived."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._options import load_config, with_config
from damlink._cli._output import echo


@click.command("settle")
@click.argument("name")
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
    from damlink._run.session import Session

    if saved == again:
        raise click.UsageError("give either --saved [MEDIA_ID] or --again")
    if media_id and again:
        raise click.UsageError("MEDIA_ID belongs to --saved")
    config = load_config(config_path)
    name = config.connector(name).name
    with Session(config) as session:
        settle(session.database, session.cipher, name, source_id, saved=saved, target_id=media_id or "")
    said = "is recorded as pushed" if saved else "is due again"
    echo(f"{name}: {source_id} {said}")
