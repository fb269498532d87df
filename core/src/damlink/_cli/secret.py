"""`damlink secret`: secrets kept encrypted in the database, and the key that opens them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from damlink._cli._options import as_json, load_config, with_config
from damlink._cli._output import echo, echo_text
from damlink._config.opened import without_line_break
from damlink.errors import ConfigError

if TYPE_CHECKING:
    from damlink._secrets.store import SecretStore


@click.group("secret")
def command() -> None:
    """Keep secrets that the config refers to as { secret = NAME }, encrypted."""


@command.command("key")
def key() -> None:
    """Print a new key for DAMLINK_KEY. What another key has encrypted stays closed to it."""
    from damlink._secrets.crypto import new_key

    echo(new_key())


@command.command("set")
@click.argument("name")
@with_config
def set_(name: str, config_path: Path | None) -> None:
    """Keep a secret. It is asked for on a terminal, else read from standard input; never an argument."""
    from damlink._run.session import Session

    value = _entered(name)
    with Session(load_config(config_path)) as session:
        session.secrets.set(name, value)
    echo(f"kept; refer to it as {{ secret = {name!r} }}", err=True)


def _entered(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True))
    value = without_line_break(sys.stdin.read())
    if not value:
        raise ConfigError("", f"nothing to keep under {name!r}", hint="pipe the secret into the command")
    return value


@command.command("list")
@as_json
@with_config
def list_(json_: bool, config_path: Path | None) -> None:
    """List the names of the secrets; never what they hold."""
    from damlink._cli._output import print_json
    from damlink._run.session import Session

    with Session(load_config(config_path), keeps=False) as session:
        names = session.secrets.names() if session.has_database else []
    if json_:
        print_json(names)
    else:
        echo_text("\n".join(names) or "no secret is kept")


@command.command("rotate")
@with_config
def rotate(config_path: Path | None) -> None:
    """Replace the key: encrypt all that is kept in the database with a new one.

    No other process may use the database meanwhile. After a crash, run it again.
    """
    config = load_config(config_path)
    from damlink._run.key_rotation import rotate_key
    from damlink._run.session import Session

    with Session(config, keeps=False) as session:
        echo(rotate_key(session), err=True)


@command.command("remove")
@click.argument("name")
@with_config
def remove(name: str, config_path: Path | None) -> None:
    """Forget a secret."""
    from damlink._run.session import Session

    with Session(load_config(config_path)) as session:
        _remove(session.secrets, name)
    echo(f"{name} is forgotten", err=True)


def _remove(secrets: SecretStore, name: str) -> None:
    if not secrets.remove(name):
        raise ConfigError("", f"there is no secret {name!r}", hint="`damlink secret list` shows them")
