"""`damlink retry`: make assets due again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from damlink._cli._completion import complete_connectors
from damlink._cli._noted import note
from damlink._cli._options import open_connector_session, with_config
from damlink._cli._output import echo

MOST_NOTED: Final = 20  # ids


@click.command("retry")
@click.argument("name", shell_complete=complete_connectors)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@with_config
def command(name: str, ids: tuple[str, ...], config_path: Path | None) -> None:
    """Make the named assets due again in any state; without an ID, all failed and rejected assets.

    Uncertain assets are refused: decide them with `damlink settle`.
    """
    from damlink._run.repair import retry

    with open_connector_session(config_path, name) as (session, name):
        count = retry(session.database, name, ids)
        chosen = " ".join(ids[:MOST_NOTED]) or "all that are failed or rejected"
        note(session, name, {"assets": chosen, "count": count})
    echo(f"{name}: {count} due again; `damlink run {name}` carries them")
