"""`damlink edit`: change a connector's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from damlink._cli._options import with_config
from damlink._cli._questions import (
    config_file,
    given,
    is_terminal,
    no_check,
    secret_keeper,
    set_option,
    write_checked,
)


@click.command("edit")
@click.argument("name")
@set_option
@click.option("--unset", multiple=True, metavar="KEY", help="Take a setting out: its default holds again.")
@no_check
@with_config
def command(
    name: str, settings: tuple[str, ...], unset: tuple[str, ...], no_check: bool, config_path: Path | None
) -> None:
    """Change a connector. On a terminal, without --set or --unset, asks which setting and for its value.

    Comments in the file stay. The credentials are tried before anything is written.
    """
    from damlink._config import load

    file = config_file(config_path)
    config = load(file.path)
    connector = config.connector(name)
    values: dict[str, Any] = given(settings) | dict.fromkeys(unset)
    if not values:
        if not is_terminal():
            raise click.UsageError("give --set KEY=VALUE or --unset KEY")
        values = _asked(file.path, connector)
    file.update("connectors", name, values)
    write_checked(file, name, skip=no_check)
    click.echo(f"{name} is changed", err=True)


def _asked(path: Path, connector: Any) -> dict[str, Any]:
    from damlink._cli._questions import ask
    from damlink._connector import load as load_plugin
    from damlink._plugins import find
    from damlink._settings import fields_of

    fields = {field.name: field for field in fields_of(load_plugin(find(connector.plugin)).settings_class)}
    for key in fields:
        click.echo(f"{key} = {connector.settings.get(key, '(default)')}", err=True)
    chosen = click.prompt("setting", type=click.Choice(list(fields)), show_choices=False, err=True)
    answers = ask([fields[chosen]], {}, secret_keeper(path, connector.name))
    return answers or {chosen: None}
