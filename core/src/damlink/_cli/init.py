"""`damlink init`: a first config, with one portal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from damlink._cli._options import with_new_config
from damlink._cli._questions import ask, given, is_terminal, secret_keeper, set_option
from damlink.errors import ConfigError


@click.command("init")
@click.option("--portal", "name", default="brand", show_default=True, help="The portal's name in the config.")
@set_option
@with_new_config
def command(name: str, settings: tuple[str, ...], config_path: Path | None) -> None:
    """Write a damlink.toml with one portal. Asks on a terminal; elsewhere everything is given by --set."""
    from damlink._config import find, loads
    from damlink._config_edit import ConfigFile

    path = find(config_path or click.get_current_context().find_root().obj)
    if path.exists():
        raise ConfigError(
            str(path), "is there already", hint="change it with `damlink add` or `damlink edit`"
        )
    values = given(settings)
    file = ConfigFile(path)
    if is_terminal() and not values:
        values = _asked(file, name)
    file.update("portals", name, values)
    loads(file.text, path)
    file.write()
    click.echo(f"{path} is written; add a connector with `damlink add NAME --plugin PLUGIN`", err=True)


def _asked(file: Any, name: str) -> dict[str, Any]:
    from damlink._config_tables import AUTH_KEYS, PortalSettings
    from damlink._settings import fields_of

    fields = {field.name: field for field in fields_of(PortalSettings)}
    values = ask([fields["url"], fields["auth"]], {}, lambda _name, _value: {})
    needed = [fields[key] for key in AUTH_KEYS[values.get("auth", fields["auth"].default)]]
    file.write()  # secrets are kept in the database of a config, so there must be one
    keep = secret_keeper(file.path, f"portal.{name}")
    return values | ask([*needed, fields["brand"]], {}, keep)
