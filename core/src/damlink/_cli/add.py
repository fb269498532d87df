"""`damlink add`: a new connector in the config."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._options import with_config
from damlink._cli._questions import (
    ask,
    config_file,
    given,
    is_terminal,
    no_check,
    secret_keeper,
    set_option,
    write_checked,
)
from damlink.errors import ConfigError


@click.command("add")
@click.argument("name")
@click.option("--plugin", required=True, help="The plugin, by the name `damlink plugins` shows.")
@click.option("--portal", help="The portal; may be left out where there is one.")
@set_option
@no_check
@with_config
def command(
    name: str,
    plugin: str,
    portal: str | None,
    settings: tuple[str, ...],
    no_check: bool,
    config_path: Path | None,
) -> None:
    """Add a connector. Asks for its settings on a terminal; elsewhere they are given by --set.

    The credentials are tried before anything is written.
    """
    from damlink._config import load
    from damlink._connector import load as load_plugin
    from damlink._plugins import find
    from damlink._settings import fields_of

    file = config_file(config_path)
    config = load(file.path)
    if name in config.connectors:
        hint = f"change it with `damlink edit {name}`"
        raise ConfigError(f"{file.path}: connectors.{name}", "is there already", hint=hint)
    fields = fields_of(load_plugin(find(plugin)).settings_class)
    portal = portal or _portal(list(config.portals))
    values = given(settings, fields)
    if is_terminal():
        values |= ask(fields, values, secret_keeper(file.path, name))
    core = {"plugin": plugin} | ({"portal": portal} if portal else {})
    file.update("connectors", name, core | values)
    write_checked(file, name, skip=no_check)
    click.echo(f"{name} is added; `damlink plan {name}` shows what a run would carry", err=True)


def _portal(names: list[str]) -> str | None:
    """The portal to use: the only one, else the one a person chooses."""
    if len(names) > 1 and is_terminal():
        return str(click.prompt("portal", type=click.Choice(names), err=True))
    return names[0] if len(names) == 1 else None
