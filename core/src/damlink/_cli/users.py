"""`damlink users`: manage the users of the console, their roles and their tokens."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from damlink._cli._noted import note
from damlink._cli._options import as_json, load_config, with_config
from damlink._cli._output import echo, print_secret
from damlink._config.opened import without_line_break

ROLES: Final = ("viewer", "operator", "administrator")

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
    config = load_config(config_path)
    password = None if no_password else _read_password(name)
    from damlink._run.session import Session
    from damlink._run.user_changes import add_user
    from damlink._state.users import Role

    with Session(config) as session:
        note(session, name, add_user(session.database, name, Role(role), password))
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
        (
            each.name,
            each.role.value,
            "yes" if each.has_password else "no",
            moment_text(each.created_at),
            each.issuer,
        )
        for each in found
    ]
    print_table(("name", "role", "password", "added (UTC)", "signs in at"), rows)


@command.command("role")
@click.argument("name")
@click.argument("role", type=_role)
@with_config
def role(name: str, role: str, config_path: Path | None) -> None:
    """Change a user's role, from the next request on."""
    from damlink._run.session import Session
    from damlink._run.user_changes import change_role
    from damlink._state.users import Role

    with Session(load_config(config_path)) as session:
        note(session, name, change_role(session.database, name, Role(role)))
    echo(f"{name} is {role}", err=True)


@command.command("password")
@click.argument("name")
@with_config
def password(name: str, config_path: Path | None) -> None:
    """Change a user's password, and end all sessions and tokens of the user."""
    config = load_config(config_path)
    new = _read_password(name)
    from damlink._run.session import Session
    from damlink._run.user_changes import change_password

    with Session(config) as session:
        note(session, name, change_password(session.database, name, new))
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
    from damlink._run.user_changes import find_local_user
    from damlink._state.access import Access

    config = load_config(config_path)
    with Session(config) as session:
        if name:
            find_local_user(session.database, name)
        made = Access(session.database).make_link(name)
        note(session, name)
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
    from damlink._run.user_changes import make_token

    with Session(load_config(config_path)) as session:
        made, details = make_token(session.database, name, label, days)
        note(session, name, details)
    print_secret(made)


@command.command("revoke")
@click.argument("name")
@with_config
def revoke(name: str, config_path: Path | None) -> None:
    """End all sessions and tokens of a user."""
    from damlink._run.session import Session
    from damlink._run.user_changes import revoke_access

    with Session(load_config(config_path)) as session:
        note(session, name, revoke_access(session.database, name))
    echo(f"{name} is signed out everywhere", err=True)


@command.command("remove")
@click.argument("name")
@with_config
def remove(name: str, config_path: Path | None) -> None:
    """Delete a user, with all sessions and tokens."""
    from damlink._run.session import Session
    from damlink._run.user_changes import remove_user

    with Session(load_config(config_path)) as session:
        note(session, name, remove_user(session.database, name))
    echo(f"{name} is removed", err=True)


def _read_password(name: str) -> str:
    """Return the hash of a password that a person types, or that a program pipes in."""
    from damlink._secrets.passwords import hash_password

    if sys.stdin.isatty():
        return hash_password(
            str(click.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True))
        )
    return hash_password(without_line_break(sys.stdin.read()))
