"""`damlink console`: show the web pages of the console on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._options import load_config, with_config
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
@with_config
def command(listen: str, no_browser: bool, config_path: Path | None) -> None:
    """Show the state of connectors and assets in a browser on this machine, until SIGTERM or Ctrl-C.

    The command prints an address that works once, within five minutes, and opens it. After that the
    browser has a session, which ends after 30 minutes without a request, after 12 hours, or with the command.
    """
    config = load_config(config_path)
    try:
        from damlink._console.address import parse_address
        from damlink._console.server import Console
    except ModuleNotFoundError as error:
        hint = "pip install 'damlink[console]'"
        raise ConfigError("", f"console needs {error.name}", hint=hint) from error
    from damlink._run.session import Session

    host, port = parse_address(listen)
    with Session(config) as session:
        Console(session, on_listening=_print if no_browser else _open).run(host, port)


def _print(url: str) -> None:
    echo(url)


def _open(url: str) -> None:
    import webbrowser

    _print(url)
    webbrowser.open(url)
