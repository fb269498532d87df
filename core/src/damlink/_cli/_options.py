"""Options and arguments that several commands share, and what they are turned into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from damlink._config import Config

__all__ = ["as_json", "chosen", "connectors", "load_config", "with_config"]

F = TypeVar("F", bound=Callable[..., Any])


def with_config(function: F) -> F:
    """`--config` after the command as well as before it."""
    option = click.option(
        "--config", "config_path", type=click.Path(path_type=Path), help="The config; see `damlink --help`."
    )
    return option(function)


as_json = click.option("--json", "json_", is_flag=True, help="JSON on stdout, and nothing else.")
connectors = click.argument("names", nargs=-1, metavar="[NAME]...")


def load_config(given: Path | None) -> Config:
    """The config that the command line, the environment or the folder names."""
    from damlink._config import find, load

    return load(find(given or click.get_current_context().find_root().obj))


def chosen(config: Config, names: Sequence[str]) -> list[str]:
    """The connectors named, or all that are enabled.

    Raises:
        ConfigError: one is not in the config, or there is none.
    """
    from damlink.errors import ConfigError

    if names:
        return [config.connector(name).name for name in dict.fromkeys(names)]
    enabled = [name for name, connector in config.connectors.items() if connector.enabled]
    if not enabled:
        hint = "add a [connectors.NAME] table, or set enabled = true"
        raise ConfigError(str(config.path), "no connector is enabled", hint=hint)
    return enabled
