"""`damlink users`: manage the users of the console, their roles and their tokens."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from damlink._cli._options import as_json, load_config, with_config
from damlink._cli._output import echo, print_secret
from damlink._config.opened import without_line_break
from damlink.errors import ConfigError

if TYPE_CHECKING:
    from damlink._run.session import Session

ROLES: Final = ("viewer", "operator", "administrator")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")

_role = click.Choice(ROLES)


@click.group("users")
def command() -> None:
    """Manage the users of the console.

    A viewer sees everything but secrets. An operator also decides on assets and starts runs. An administrator
    also changes portals, connectors and users.
    """


@command.command("add")
@click.argument("name")
@click.option("--role", type=_role, default="viewer", show_default=True, help="What the user may do.")
@click.option("--no-password", is_flag=True, help="Without one, `damlink users token` alone lets in.")
@with_config
def add(name: str, role: str, no_password: bool, config_path: Path | None) -> None:
    """Add a user. The password is asked for on a terminal, else read from standard input."""
    if not NAME.fullmatch(name):
        hint = "letters, digits, `.`, `_`, `@` and `-`, 64 at most"
        raise ConfigError("", f"{name!r} cannot be the name of a user", hint=hint)
    config = load_config(config_path)
    password = None if no_password else _read_password(name)
    from damlink._run.session import Session
    from damlink._state.users import Role, Users

    with Session(config) as session:
        if not Users(session.database).add(name, Role(role), password):
            hint = "`damlink users role` and `damlink users password` change one"
            raise ConfigError("", f"there is a user {name!r} already", hint=hint)
        _note(session, "users add", name, {"role": role})
    echo(f"{name} is added as {role}", err=True)


@command.command("list")
@as_json
@with_config
def list_(json_: bool, config_path: Path | None) -> None:
    """List the users."""
    import attrs

    from damlink._cli._output import moment_text, print_json_lines, print_table
    from damlink._run.session import Session
    from damlink._state.users import Users

    with Session(load_config(config_path), keeps=False) as session:
        found = Users(session.database).listing() if session.has_database else []
    if json_:
        print_json_lines(map(attrs.asdict, found))
        return
    rows = [
        (each.name, each.role.value, "yes" if each.has_password else "no", moment_text(each.created_at))
        for each in found
    ]
    print_table(("name", "role", "password", "added (UTC)"), rows)


@command.command("role")
@click.argument("name")
@click.argument("role", type=_role)
@with_config
def role(name: str, role: str, config_path: Path | None) -> None:
    """Change a user's role, from the next request on."""
    from damlink._run.session import Session
    from damlink._state.users import Users

    with Session(load_config(config_path)) as session:
        before = Users(session.database).find(name)
        if before is None or not Users(session.database).change(name, {"role": role}):
            raise _unknown(name)
        _note(session, "users role", name, {"role": [before.role.value, role]})
    echo(f"{name} is {role}", err=True)


@command.command("password")
@click.argument("name")
@with_config
def password(name: str, config_path: Path | None) -> None:
    """Change a user's password, and end all sessions and tokens of the user."""
    config = load_config(config_path)
    new = _read_password(name)
    from damlink._run.session import Session
    from damlink._state.access import Access
    from damlink._state.users import Users

    with Session(config) as session:
        if not Users(session.database).change(name, {"password": new}):
            raise _unknown(name)
        Access(session.database).revoke_all(name)
        _note(session, "users password", name)
    echo(f"{name} has a new password", err=True)


@command.command("link")
@click.argument("name", default="")
@with_config
def link(name: str, config_path: Path | None) -> None:
    """Print an address that lets a user into the console of `damlink serve` once, within five minutes.

    Without NAME it lets in the person at this machine, with every right, where the console cannot be
    reached from elsewhere.
    """
    from damlink._run.session import Session
    from damlink._state.access import Access

    config = load_config(config_path)
    with Session(config) as session:
        if name:
            _demand(session, name)
        made = Access(session.database).make_link(name)
        _note(session, "users link", name)
    base = config.console.public_url.rstrip("/") or f"http://{config.console.listen}"
    print_secret(f"{base}/enter?link={made}")


@command.command("token")
@click.argument("name")
@click.argument("label")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How long it works."
)
@with_config
def token(name: str, label: str, days: int, config_path: Path | None) -> None:
    """Print a new token, which lets a program in with the rights of a user; it is shown this once.

    The program sends it as `Authorization: Bearer TOKEN`, with `Accept: application/json`.
    """
    from damlink._run.session import Session
    from damlink._state.access import Access

    with Session(load_config(config_path)) as session:
        _demand(session, name)
        made = Access(session.database).make_token(name, label, timedelta(days=days))
        _note(session, "users token", name, {"label": label, "days": days})
    print_secret(made)


@command.command("revoke")
@click.argument("name")
@with_config
def revoke(name: str, config_path: Path | None) -> None:
    """End all sessions and tokens of a user."""
    from damlink._run.session import Session
    from damlink._state.access import Access

    with Session(load_config(config_path)) as session:
        _demand(session, name)
        Access(session.database).revoke_all(name)
        _note(session, "users revoke", name)
    echo(f"{name} is signed out everywhere", err=True)


@command.command("remove")
@click.argument("name")
@with_config
def remove(name: str, config_path: Path | None) -> None:
    """Delete a user, with all sessions and tokens."""
    from damlink._run.session import Session
    from damlink._state.users import Users

    with Session(load_config(config_path)) as session:
        if not Users(session.database).remove(name):
            raise _unknown(name)
        _note(session, "users remove", name)
    echo(f"{name} is removed", err=True)


def _read_password(name: str) -> str:
    """Return the hash of a password that a person types, or that a program pipes in."""
    from damlink._secrets.passwords import hash_password

    if sys.stdin.isatty():
        return hash_password(
            str(click.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True))
        )
    return hash_password(without_line_break(sys.stdin.read()))


def _demand(session: Session, name: str) -> None:
    from damlink._state.users import Users

    if Users(session.database).find(name) is None:
        raise _unknown(name)


def _unknown(name: str) -> ConfigError:
    return ConfigError("", f"there is no user {name!r}", hint="`damlink users list` shows them")


def _note(session: Session, action: str, name: str, details: dict[str, object] | None = None) -> None:
    from damlink._state.audit import Audit

    Audit(session.database).note("", action, name, details)
