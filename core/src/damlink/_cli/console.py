"""`damlink console`: show the web pages of the console on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._options import config_path_of, load_config, with_new_config
from damlink._cli._output import echo
from damlink.errors import ConfigError


@click.command("console")
@click.option(
    "--listen",
    default="127.0.0.1:8081",
    show_default=True,
    help="The address; loopback only. Port 0: a free one.",
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@with_new_config
def command(listen: str, no_browser: bool, config_path: Path | None) -> None:
    """Show the state of connectors and assets in a browser on this machine, until SIGTERM or Ctrl-C.

    The command prints an address that works once, within five minutes, and opens it. After that the
    browser has a session, which ends after 30 minutes without a request, after 12 hours, or with the command.

    Where there is no config in this folder, an empty one is made, and the pages add to it.
    """
    try:
        from damlink._console.address import parse_address
        from damlink._console.server import Console
    except ModuleNotFoundError as error:
        hint = "pip install 'damlink[console]'"
        raise ConfigError("", f"console needs {error.name}", hint=hint) from error
    from damlink._run.session import Session

    host, port = parse_address(listen)
    _begin_config(config_path)
    config = load_config(config_path)
    with Session(config) as session:
        Console(session, on_listening=_print if no_browser else _open).run(host, port)


def _begin_config(given: Path | None) -> None:
    """Make an empty config in this folder, if there is none; one that is named must be there."""
    from damlink._config.location import FILENAME
    from damlink._system.disk import cure_of
    from damlink._system.private_files import make_file

    path = config_path_of(given)
    if path != Path(FILENAME) or path.exists():
        return
    try:
        make_file(path)
    except OSError as error:
        hint = cure_of(error, "start the command in a folder that you may write to")
        raise ConfigError(str(path), f"cannot be made: {error.strerror}", hint=hint) from error
    echo(f"{path} is made, and empty; the page Browse adds a connector", err=True)


def _print(url: str) -> None:
    echo(url)


def _open(url: str) -> None:
    import webbrowser

    _print(url)
    webbrowser.open(url)
