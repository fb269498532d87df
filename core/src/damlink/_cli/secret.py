"""`damlink secret`: manage the secrets that are stored encrypted in the database, and their key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from damlink._cli._noted import note
from damlink._cli._options import as_json, load_config, with_config
from damlink._cli._output import echo, echo_text
from damlink._config.opened import without_line_break
from damlink.errors import ConfigError

if TYPE_CHECKING:
    from damlink._secrets.store import SecretStore


@click.group("secret")
def command() -> None:
    """Manage encrypted secrets, to which the config refers as { secret = NAME }."""


@command.command("key")
def key() -> None:
    """Print a new key for DAMLINK_KEY. It cannot decrypt what was encrypted with another key."""
    from damlink._secrets.crypto import new_key

    echo(new_key())


@command.command("set")
@click.argument("name")
@with_config
def set_(name: str, config_path: Path | None) -> None:
    """Store a secret. It is asked for on a terminal, else read from standard input; never an argument."""
    from damlink._run.session import Session

    value = _read(name)
    with Session(load_config(config_path)) as session:
        before = "(a secret)" if name in session.secrets.names() else "not set"
        session.secrets.set(name, value)
        note(session, name, {"value": [before, "(another secret)"]})
    echo(f"stored; refer to it as {{ secret = {name!r} }}", err=True)


def _read(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True))
    # `echo SECRET |` adds a line break that does not belong to the secret.
    value = without_line_break(sys.stdin.read())
    if not value:
        raise ConfigError("", f"no value for {name!r}", hint="pipe the secret into the command")
    return value


@command.command("list")
@as_json
@with_config
def list_(json_: bool, config_path: Path | None) -> None:
    """List the names of the secrets, never their values."""
    from damlink._cli._output import print_json
    from damlink._run.session import Session

    with Session(load_config(config_path), keeps=False) as session:
        names = session.secrets.names() if session.has_database else []
    if json_:
        print_json(names)
    else:
        echo_text("\n".join(names) or "no secret is stored")


@command.command("rotate")
@with_config
def rotate(config_path: Path | None) -> None:
    """Replace the key: encrypt all secrets in the database with a new one.

    Stop all other processes on the database before. After a crash, run the command again.
    """
    config = load_config(config_path)
    from damlink._run.key_rotation import rotate_key
    from damlink._run.session import Session

    with Session(config, keeps=False) as session:
        said = rotate_key(session)
        note(session, "the key of the database")
    echo(said, err=True)


@command.command("remove")
@click.argument("name")
@with_config
def remove(name: str, config_path: Path | None) -> None:
    """Delete a secret."""
    from damlink._run.session import Session

    with Session(load_config(config_path)) as session:
        _remove(session.secrets, name)
        note(session, name, {"value": ["(a secret)", "not set"]})
    echo(f"{name} is deleted", err=True)


def _remove(secrets: SecretStore, name: str) -> None:
    if not secrets.remove(name):
        raise ConfigError("", f"there is no secret {name!r}", hint="`damlink secret list` shows them")
