"""Commands of other distributions, by the entry-point group `damlink.commands`."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from typing import Final

import click

from damlink._plugin.discovery import PluginInfo, list_plugins
from damlink.errors import ConfigError, PluginLoadError

__all__ = ["GROUP", "load_command", "other_commands"]

GROUP: Final = "damlink.commands"

# Commands that the documentation names, and the distribution that has them.
SEPARATE: Final = {"sandbox": "damlink-sandbox", "demo": "damlink-sandbox"}


def other_commands(own: Collection[str]) -> list[PluginInfo]:
    """Return the commands of other distributions, from metadata alone.

    Args:
        own: names of the core's commands, which no other distribution can take.
    """
    return [info for info in list_plugins(GROUP) if info.name not in own]


def load_command(name: str, own: Collection[str]) -> click.Command | None:
    """Import the command of another distribution; return `None` if there is none of that name.

    Raises:
        PluginLoadError: it cannot be imported, or is no click command.
        ConfigError: it belongs to a distribution that is not installed.
    """
    info = next((info for info in other_commands(own) if info.name == name), None)
    if info is None:
        if name in SEPARATE:
            raise ConfigError("", f"no command {name!r} is installed", hint=f"install {SEPARATE[name]}")
        return None
    return _load(info)


def _load(info: PluginInfo) -> click.Command:
    from damlink._system.process import is_interrupt

    what = f"command {info.name!r} ({info.distribution} {info.version})"
    if info.problem:
        raise PluginLoadError(f"{what}: {info.problem}")
    module, _, attribute = info.module.partition(":")
    try:
        command = getattr(importlib.import_module(module), attribute)
    except BaseException as error:
        if is_interrupt(error):
            raise
        hint = "reinstall it, or report it to its author"
        cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise PluginLoadError(f"{what} cannot be imported: {cause}", hint=hint) from error
    if not isinstance(command, click.Command):
        raise PluginLoadError(f"{what}: {info.module} is no click command", hint="report it to its author")
    return command
