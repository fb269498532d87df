"""`damlink disable`: whether a run without names includes a connector."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._options import with_config
from damlink._cli._questions import config_file


@click.command("disable")
@click.argument("name")
@with_config
def command(name: str, config_path: Path | None) -> None:
    """Disable a connector; nothing else of it changes."""
    from damlink._config import load

    file = config_file(config_path)
    load(file.path).connector(name)
    file.update("connectors", name, {"enabled": False})
    file.write()
    click.echo(f"{name} is disabled", err=True)
