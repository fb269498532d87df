"""`damlink init`: create a config with one portal."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._options import all_option, config_path_of, no_check_option, set_option, with_new_config
from damlink._cli._output import echo
from damlink.errors import ConfigError


@click.command("init")
@click.option("--portal", "name", default="brand", show_default=True, help="The portal's name in the config.")
@set_option
@all_option
@no_check_option
@with_new_config
def command(
    name: str, settings: tuple[str, ...], all_: bool, no_check: bool, config_path: Path | None
) -> None:
    """Create a configuration with one portal.

    On a terminal, the command asks for missing settings; elsewhere, give all settings by --set. The
    credentials are tried before the config is written. The brand is chosen from the portal's list.
    """
    path = config_path_of(config_path)
    if path.exists():
        hint = "change it with `damlink portal edit`, `damlink add` or `damlink edit`"
        raise ConfigError(str(path), "is there already", hint=hint)
    from damlink._cli._portals import add_portal

    add_portal(path, name, settings, all_=all_, no_check=no_check)
    echo(f"{path} is written; add a connector with `damlink add NAME`", err=True)
