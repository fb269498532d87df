"""`damlink add`: create a connector in the config."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from damlink._cli._options import all_option, no_check_option, set_option, with_config
from damlink._cli._output import echo
from damlink._cli._terminal import is_terminal
from damlink.errors import ConfigError

if TYPE_CHECKING:
    from damlink._cli._questions import Interview
    from damlink._config.load import Config


@click.command("add")
@click.argument("name")
@click.option("--plugin", help="The plugin, by the name that `damlink plugins` shows.")
@click.option("--portal", help="The portal; optional if the config has only one.")
@set_option
@all_option
@no_check_option
@with_config
def command(
    name: str,
    plugin: str | None,
    portal: str | None,
    settings: tuple[str, ...],
    all_: bool,
    no_check: bool,
    config_path: Path,
) -> None:
    """Create a connector. NAME is any text; a short key is made from it.

    On a terminal, the command asks for missing settings, unless --set gives all required ones. The
    credentials are tried before the config is written.
    """
    from damlink._cli._questions import Interview
    from damlink._cli._setup import Draft, until_it_works
    from damlink._cli._typed import parse_settings
    from damlink._config.load import connector_fields, load
    from damlink._config.names import key_of
    from damlink._config.settings import fields_of
    from damlink._plugin.discovery import find
    from damlink._plugin.loader import load as load_plugin

    config = load(config_path)
    _refuse_known(config, name)
    key = key_of(name, config.connectors)
    plugin = plugin or _plugin()
    settings_class = load_plugin(find(plugin)).settings_class
    portal = portal or _portal(list(config.portals))
    values = parse_settings(settings, [*fields_of(settings_class), *connector_fields()])
    own = {field.name for field in connector_fields()}
    core = {"plugin": plugin} | ({"title": name} if key != name else {})
    core |= ({"portal": portal} if portal else {}) | {each: values.pop(each) for each in own & values.keys()}
    draft = Draft(config_path, "connectors", key, is_tried=not no_check)
    interview = Interview(settings_class, values, draft.keep_secret)
    names = _questions(interview, all_=all_)
    file = until_it_works(interview, names, lambda: draft.attempt(core | interview.values))
    draft.write(file)
    echo(f"{key} is added; `damlink plan {key}` shows what a run would carry", err=True)


def _refuse_known(config: Config, name: str) -> None:
    titles = {each.title: each.name for each in config.connectors.values() if each.title}
    known = name if name in config.connectors else titles.get(name)
    if known:
        hint = f"change it with `damlink edit {known}`"
        raise ConfigError(f"{config.path}: connectors.{known}", "is there already", hint=hint)


def _questions(interview: Interview, *, all_: bool) -> list[str]:
    """Return the settings to ask for: none without a terminal, or if all required ones are given."""
    names = interview.unset(advanced=all_)
    if is_terminal() and (all_ or not interview.is_complete):
        interview.check(names)
        return names
    for warning in interview.empty_warnings():
        echo(f"note {warning}", err=True)
    return []


def _plugin() -> str:
    from damlink._plugin.discovery import list_plugins

    names = [info.name for info in list_plugins() if not info.problem]
    if not is_terminal():
        raise click.UsageError(f"Missing option '--plugin': one of {', '.join(names)}")
    return str(click.prompt("plugin", type=click.Choice(names), err=True))


def _portal(names: list[str]) -> str | None:
    """Return the only portal, or ask for one of several."""
    if len(names) > 1 and is_terminal():
        return str(click.prompt("portal", type=click.Choice(names), err=True))
    return names[0] if len(names) == 1 else None
