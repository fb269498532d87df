"""`damlink enable` and `damlink disable`: include a connector in runs, or exclude it."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._completion import complete_connectors
from damlink._cli._noted import note_settings
from damlink._cli._options import with_config
from damlink._cli._output import echo

__all__ = ["disable", "enable"]


def _make(name: str, help_text: str, *, is_enabled: bool) -> click.Command:
    @click.command(name, help=help_text)
    @click.argument("name", shell_complete=complete_connectors)
    @with_config
    def command(name: str, config_path: Path) -> None:
        from damlink._config.edit import ConfigFile
        from damlink._config.load import load

        before = load(config_path)
        key = before.connector(name).name
        file = ConfigFile(config_path)
        file.update("connectors", key, {"enabled": is_enabled})
        file.write()
        note_settings(before, "connectors", key)
        echo(f"{key} is {'enabled' if is_enabled else 'disabled'}", err=True)

    return command


enable = _make("enable", "Enable a connector; its other settings stay.", is_enabled=True)
disable = _make("disable", "Disable a connector; its other settings stay.", is_enabled=False)
