"""`damlink portal`: create, change and check portals."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._completion import complete_portals
from damlink._cli._options import (
    all_option,
    as_json,
    load_config,
    no_check_option,
    portal_argument,
    set_option,
    unset_option,
    with_config,
)
from damlink._cli._output import echo
from damlink.errors import ConfigError


@click.group("portal")
def command() -> None:
    """Add, change or check a portal."""


@command.command("add")
@click.argument("name")
@set_option
@all_option
@no_check_option
@with_config
def add(name: str, settings: tuple[str, ...], all_: bool, no_check: bool, config_path: Path) -> None:
    """Add a portal. On a terminal, the command asks for missing settings; elsewhere, give all by --set.

    The credentials are tried before the config is written. The brand is chosen from the portal's list.
    """
    from damlink._cli._portals import add_portal
    from damlink._config.load import load

    if name in load(config_path).portals:
        hint = f"change it with `damlink portal edit {name}`"
        raise ConfigError(f"{config_path}: portals.{name}", "is there already", hint=hint)
    add_portal(config_path, name, settings, all_=all_, no_check=no_check)
    echo(f"{name} is added; add a connector with `damlink add NAME`", err=True)


@command.command("edit")
@portal_argument
@set_option
@unset_option
@no_check_option
@with_config
def edit(
    portal: str, settings: tuple[str, ...], unset: tuple[str, ...], no_check: bool, config_path: Path
) -> None:
    """Change a portal. On a terminal without --set and --unset, show all settings and ask what to change.

    Comments in the config stay. The credentials are tried before the config is written.
    """
    from damlink._cli._portals import edit_portal

    edit_portal(config_path, portal, settings, unset, no_check=no_check)
    echo(f"{portal} is changed", err=True)


@command.command("check")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_portals)
@as_json
@with_config
def check(names: tuple[str, ...], json_: bool, config_path: Path) -> int:
    """Check the named portals, or all. Each line says ok, or what to do."""
    from damlink._cli.check import check_portals

    config = load_config(config_path)
    portals = [config.portal(name).name for name in dict.fromkeys(names)] or list(config.portals)
    if not portals:
        raise ConfigError(
            str(config_path), "there is no portal", hint="add one with `damlink portal add NAME`"
        )
    return check_portals(config, portals, json_=json_)
