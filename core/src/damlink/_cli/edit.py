"""`damlink edit`: change the settings of a connector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from damlink._cli._completion import complete_connectors
from damlink._cli._options import no_check_option, set_option, unset_option, with_config
from damlink._cli._output import echo


@click.command("edit")
@click.argument("name", shell_complete=complete_connectors)
@set_option
@unset_option
@no_check_option
@with_config
def command(
    name: str, settings: tuple[str, ...], unset: tuple[str, ...], no_check: bool, config_path: Path
) -> None:
    """Change a connector. On a terminal without --set and --unset, show all settings and ask what to change.

    Comments in the config stay. The credentials are tried before the config is written.
    """
    from damlink._cli._editing import change
    from damlink._cli._questions import Interview
    from damlink._cli._setup import Draft
    from damlink._cli._typed import parse_settings
    from damlink._config.load import connector_fields, load
    from damlink._config.settings import fields_of
    from damlink._config.tables import ConnectorConfig
    from damlink._plugin.discovery import find
    from damlink._plugin.loader import load as load_plugin

    config = load(config_path)
    connector = config.connector(name)
    settings_class = load_plugin(find(connector.plugin)).settings_class
    fields = [*connector_fields(), *fields_of(settings_class)]
    values: dict[str, Any] = parse_settings(settings, fields) | dict.fromkeys(unset)
    draft = Draft(config_path, "connectors", connector.name, is_tried=not no_check)
    core = {key: value for key, value in connector.table.items() if key not in connector.settings}
    interviews = [
        Interview(ConnectorConfig, core, draft.keep_secret),
        Interview(settings_class, connector.settings, draft.keep_secret),
    ]
    change(draft, interviews, values)
    echo(f"{connector.name} is changed", err=True)
