"""`damlink login`: sign in to a portal or a partner with a browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from damlink._cli._completion import complete_portals_and_connectors
from damlink._cli._noted import note
from damlink._cli._options import load_config, with_config
from damlink._cli._output import echo, echo_text


@click.command("login")
@click.argument("name", metavar="PORTAL-or-CONNECTOR", shell_complete=complete_portals_and_connectors)
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening it.")
@with_config
def command(name: str, no_browser: bool, config_path: Path | None) -> None:
    """Sign in with a browser: to a portal with auth = "oauth2-code", or to the partner of a connector.

    The token is stored encrypted, and renewed automatically from then on.
    """
    from damlink._run.login import log_in
    from damlink._run.session import Session
    from damlink._run.sign_in import open_sign_in

    with Session(load_config(config_path)) as session:
        sign_in = open_sign_in(session, name)
        notice = log_in(sign_in, lambda url: _show(url, no_browser=no_browser))
        note(session, name := sign_in.name)
    echo(f"{name}: signed in", err=True)
    if notice:
        echo(f"{name}: {notice}", err=True)


def _show(url: str, *, no_browser: bool) -> None:
    if no_browser or not webbrowser.open(url):
        echo_text(f"open this address in a browser:\n{url}", err=True)
