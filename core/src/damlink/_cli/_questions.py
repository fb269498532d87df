"""What a settings class asks a person, and how the answers come to stand in the config."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from damlink._config_edit import ConfigFile, toml_value
from damlink._settings import Field
from damlink.errors import ConfigError

if TYPE_CHECKING:
    from damlink._config import Config

__all__ = [
    "ask",
    "config_file",
    "given",
    "is_terminal",
    "no_check",
    "secret_keeper",
    "set_option",
    "write_checked",
]

set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting. A secret is env:NAME, file:PATH or secret:NAME.",
)
no_check = click.option("--no-check", is_flag=True, help="Write it without trying the credentials.")


def is_terminal() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def given(settings: Iterable[str], fields: Iterable[Field] = ()) -> dict[str, Any]:
    """The values of `--set KEY=VALUE`; for a field that takes text, a number is text too.

    Raises:
        click.UsageError: one has no "=".
    """
    values = {}
    texts = {field.name for field in fields if field.type is str}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--set {text}: write KEY=VALUE")
        parsed, name = toml_value(value), key.strip()
        values[name] = parsed if isinstance(parsed, str | dict) or name not in texts else value
    return values


def ask(
    fields: Iterable[Field], known: Mapping[str, Any], keep_secret: Callable[[str, str], dict[str, str]]
) -> dict[str, Any]:
    """Ask for every setting in the order of the declaration; what is left at its default stays out.

    Args:
        known: what need not be asked for.
        keep_secret: keeps a secret under the setting's name; gives the reference to it.
    """
    answers: dict[str, Any] = {}
    for field in fields:
        if field.name not in known and (answer := _answer(field, keep_secret)) is not None:
            answers[field.name] = answer
    return answers


def _answer(field: Field, keep_secret: Callable[[str, str], dict[str, str]]) -> Any:
    click.echo(f"\n{field.help}", err=True)
    if field.secret:
        text = click.prompt(field.name, hide_input=True, default="", show_default=False, err=True)
        if not text and field.required:
            return _answer(field, keep_secret)
        return keep_secret(field.name, text) if text else None
    if field.type is bool:
        chosen = click.confirm(field.name, default=bool(field.default), err=True)
        return None if chosen == field.default else chosen
    default = None if field.required else ("" if field.default is None else str(field.default))
    kind = click.Choice(field.choices) if field.choices else None
    text = str(click.prompt(field.name, default=default, type=kind, err=True))
    if text == default:
        return None
    return text if field.type is str else toml_value(text)


def write_checked(file: ConfigFile, name: str, *, skip: bool) -> None:
    """Write a config after trying the connector that was changed; an error leaves it as it was."""
    from damlink._config import loads

    config = loads(file.text, file.path)
    _check(config, name, skip=skip)
    file.write()


def _check(config: Config, name: str, *, skip: bool) -> None:
    from damlink._assembly import Assembly
    from damlink._check import check_connector

    with Assembly(config, keeps=False) as assembly:
        if skip:
            assembly.settings(name, assembly.connector(name))
            return
        for finding in check_connector(assembly, name):
            if finding.error:
                raise finding.error
            click.echo(f"ok   {finding.what}: {finding.detail}", err=True)


def config_file(given_path: Path | None) -> ConfigFile:
    """The config to change, which must be there."""
    from damlink._config import find

    path = find(given_path or click.get_current_context().find_root().obj)
    if not path.exists():
        raise ConfigError(str(path), "there is no such file", hint="make one with `damlink init`")
    return ConfigFile(path)


def secret_keeper(path: Path, owner: str) -> Callable[[str, str], dict[str, str]]:
    """Keeps an answer encrypted in the config's database, and refers to it."""

    def keep(name: str, value: str) -> dict[str, str]:
        from damlink._assembly import Assembly
        from damlink._config import load

        reference = f"{owner}.{name}"
        with Assembly(load(path)) as assembly:
            assembly.secrets.set(reference, value)
        return {"secret": reference}

    return keep
