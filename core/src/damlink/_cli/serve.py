"""`damlink serve`: receive events and run connectors on schedule."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from damlink._cli._options import load_config, with_config
from damlink._cli._output import echo
from damlink._cli._serving import end_unfinished, log_runs, verify_backups
from damlink.errors import ConfigError

if TYPE_CHECKING:
    from damlink._config.load import Config
    from damlink._run.session import Session
    from damlink._serve.jobs import Runner
    from damlink._serve.service import BackgroundService
    from damlink._state.database import Database


@click.command("serve")
@click.option("--host", help="The address to listen on, instead of [serve] host.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="The port, instead of [serve] port. 0: a free one."
)
@click.option("--quiet", is_flag=True, help="Do not log runs, events and rejected assets.")
@with_config
def command(host: str | None, port: int | None, quiet: bool, config_path: Path | None) -> None:
    """Receive events and run each connector on schedule, until SIGTERM or Ctrl-C.

    The command logs the begin and end of runs, events, and assets that are not carried. It applies a change
    of the config within two seconds. On a signal, transfers under way are finished, or resume after the next
    start. Events arrive at the portals' addresses, and in their queues (`event_queue`). On a PostgreSQL
    database that is ready for workers it is one of them.
    """
    config = _listening_on(load_config(config_path), host, port)
    try:
        import damlink._serve.server as server
    except ModuleNotFoundError as error:
        raise ConfigError("", f"serve needs {error.name}", hint="pip install 'damlink[serve]'") from error
    from damlink._run.session import Session
    from damlink._serve.dispatcher import Dispatcher
    from damlink._serve.event_queue import verify_queues
    from damlink._serve.follower import ConfigFollower
    from damlink._serve.scheduler import Schedule

    verify_queues(config)
    if not quiet:
        log_runs()
    database, name = _open_database(config)
    with Session(config, urgent=True, database=database) as session:
        # Refused before the server listens, so that the error is the exit code of the command.
        verify_backups(session)
        schedule = _schedule(session, name)
        follower = ConfigFollower(session, [schedule.follow] if isinstance(schedule, Schedule) else [])
        # A worker's jobs process the events, in whichever worker.
        events = [] if name else [Dispatcher(session, schedule.wake)]
        services = (*events, schedule, follower, *_console(session))
        running = server.Server(session, services, on_listening=_announce, note=lambda: follower.error)
        follower.add(running.follow)
        if not running.run():
            end_unfinished("what has not ended in time goes on after the next start")


def _console(session: Session) -> list[BackgroundService]:
    """Return the console, if the config enables it.

    Raises:
        ConfigError: it lacks what it needs.
    """
    if not session.config.console.enabled:
        return []
    try:
        from damlink._console.service import ConsoleService
    except ModuleNotFoundError as error:
        hint = "pip install 'damlink[console]'"
        raise ConfigError("", f"console needs {error.name}", hint=hint) from error

    return [ConsoleService(session, on_listening=_announce_console)]


def _announce_console(url: str) -> None:
    _announce(url, "the console is at %s; `damlink users link` prints an address that lets you in")


def _open_database(config: Config) -> tuple[Database | None, str]:
    """Open the database for a worker, if it is PostgreSQL and workers can use it; with the sessions' name."""
    from damlink._state.database import is_sqlite

    if is_sqlite(config.state.url):
        return None, ""
    try:
        from damlink._serve.engine import find_pending
    except ModuleNotFoundError:
        return None, ""
    from damlink._state.worker import open_worker_database

    database, name = open_worker_database(config.state.url, config.folder)
    if not find_pending(database):
        return database, name
    # Without its tables, this process runs the connectors alone, as on SQLite.
    database.close()
    return None, ""


def _schedule(session: Session, name: str) -> Runner:
    """Return what runs the connectors: a worker beside others, or the schedule of this process alone."""
    if name:
        from damlink._serve.worker_process import WorkerProcess

        return WorkerProcess(session, name)
    from damlink._serve.scheduler import Schedule

    return Schedule(session)


def _listening_on(config: Config, host: str | None, port: int | None) -> Config:
    serve = config.serve
    own = attrs.evolve(serve, host=host or serve.host, port=serve.port if port is None else port)
    return attrs.evolve(config, serve=own)


def _announce(url: str, said: str = "listening on %s") -> None:
    """Print the address, or log it if the log is JSON, so that every line is JSON."""
    if click.get_current_context().find_root().params["log_format"] == "json":
        logging.getLogger("damlink.serve").info(said, url)
    else:
        echo(f"damlink: {said % url}", err=True)
