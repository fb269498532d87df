"""`damlink new`: make the distribution of a new plugin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from damlink._cli._output import echo
from damlink._cli._values import ExistingFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from damlink._scaffold.blueprint import Blueprint
    from damlink._scaffold.names import Names


@click.command("new")
@click.argument("name")
@click.option(
    "--from-openapi",
    "definition",
    type=ExistingFile(),
    help="Take authentication, rows and pages from an OpenAPI definition, in JSON or YAML.",
)
@click.option(
    "--auth",
    type=click.Choice(["key", "bearer", "basic", "oauth2", "login", "none"]),
    help="How requests are signed: a key in a header (the default), a bearer token, user and password, "
    "OAuth 2.0, a token by a login of the partner's own, or not at all.",
)
@click.option(
    "--pages",
    type=click.Choice(["number", "offset", "cursor", "link", "none"]),
    help="How a source's list is divided: by page number (the default), offset, cursor, Link header, or not.",
)
@click.option(
    "--destination", is_flag=True, help="Make a plugin that sends assets of the portal to a partner."
)
def command(
    name: str, definition: Path | None, auth: str | None, pages: str | None, destination: bool
) -> None:
    """Make the distribution of a new plugin, in a folder NAME below the current one.

    It has a stand-in for its partner, and passes the rules of the kit. Its README lists what is left to
    decide.
    """
    from damlink._scaffold.names import Names
    from damlink._scaffold.render import write_distribution

    if definition and (auth or pages):
        raise click.UsageError(f"--from-openapi and {'--auth' if auth else '--pages'} exclude each other")
    if destination and pages:
        raise click.UsageError("--destination and --pages exclude each other: it lists assets of the portal")
    _require_usable(name)
    names = Names.of(name)
    blueprint = _blueprint(names, definition, auth or "key", pages or "number", destination)
    folder = Path.cwd() / name
    try:
        files = write_distribution(blueprint, folder)
    except OSError as error:
        message = f"{name}: the folder cannot be written: {error.strerror or error}"
        raise click.ClickException(message) from error
    _announce(names, len(files), blueprint.to_decide)


def _require_usable(name: str) -> None:
    """Verify that a plugin can have a name, and that its folder is not there.

    Raises:
        click.UsageError: it cannot.
    """
    from importlib.metadata import distributions

    from damlink._plugin.discovery import list_plugins
    from damlink._scaffold.names import name_problem

    installed = {info.name for info in list_plugins()} | {each.name for each in distributions()}
    if problem := name_problem(name, installed):
        raise click.UsageError(f"{name!r} cannot be the name of a plugin: {problem}")
    if Path(name).exists() or Path(name).is_symlink():
        raise click.UsageError(f"{name!r} is there already: choose another name, or move it away")


def _blueprint(
    names: Names, definition: Path | None, auth: str, pages: str, is_destination: bool
) -> Blueprint:
    from damlink._scaffold.standard import destination_blueprint, source_blueprint

    plan = destination_blueprint(names, auth) if is_destination else source_blueprint(names, auth, pages)
    if definition is None:
        return plan
    from damlink._scaffold.openapi.definition import adapt

    return adapt(plan, definition)


def _announce(names: Names, files: int, points: Sequence[str]) -> None:
    echo(f"{names.folder}/ has the plugin {names.plugin} in {files} files; next:")
    echo(f"  pip install -e {names.folder}")
    echo(f"  damlink test {names.plugin}")
    echo(f'  read "To decide" in {names.folder}/README.md: {len(points)} points:')
    for point in points:
        echo(f"    {point}")
