"""`damlink serve`: events and schedule, until a signal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from damlink._cli._options import load_config, with_config
from damlink.errors import ConfigError

if TYPE_CHECKING:
    from damlink._config import Config


@click.command("serve")
@click.option("--host", help="The address to listen on, instead of [serve] host.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="The port, instead of [serve] port. 0: a free one."
)
@with_config
def command(host: str | None, port: int | None, config_path: Path | None) -> None:
    """Receive events and run each connector by its schedule, until SIGTERM or Ctrl-C.

    What is under way then is finished, or goes on where it stopped when it is started again.
    """
    config = _listening_on(load_config(config_path), host, port)
    try:
        import damlink._serve._server as server
    except ModuleNotFoundError as error:
        raise ConfigError("", f"serve needs {error.name}", hint="pip install 'damlink[serve]'") from error
    from damlink._assembly import Assembly
    from damlink._serve._dispatch import Dispatcher
    from damlink._serve._schedule import Schedule

    with Assembly(config) as assembly:
        schedule = Schedule(assembly)
        workers = (Dispatcher(assembly, schedule.brought), schedule)
        if not server.Server(assembly, workers, on_listening=_announce).run():
            click.echo("damlink: what has not ended in time goes on after the next start", err=True)
            os._exit(0)  # its threads would hold the process


def _listening_on(config: Config, host: str | None, port: int | None) -> Config:
    serve = config.serve
    chosen = attrs.evolve(serve, host=host or serve.host, port=serve.port if port is None else port)
    return attrs.evolve(config, serve=chosen)


def _announce(url: str) -> None:
    click.echo(f"damlink: listening on {url}", err=True)
