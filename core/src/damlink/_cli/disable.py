"""`damlink disable`: whether a run without names includes a connector."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._options import with_config
from damlink._cli._output import echo


@click.command("disable")
@click.argument("name")
@with_config
def command(name: str, config_path: Path) -> None:
    """Disable a connector; nothing else of it changes."""
    from damlink._config.edit import ConfigFile
    from damlink._config.load import load

    key = load(config_path).connector(name).name
    file = ConfigFile(config_path)
    file.update("connectors", key, {"enabled": False})
    file.write()
    echo(f"{key} is disabled", err=True)
