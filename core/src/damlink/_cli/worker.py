"""`damlink worker`: carry the assets of connectors beside other workers."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from damlink._cli._options import load_config, with_config
from damlink._cli._output import echo
from damlink._cli._serving import end_unfinished, log_runs, verify_backups
from damlink.errors import ConfigError, StateError

if TYPE_CHECKING:
    from damlink._config.load import Config
    from damlink._serve.service import BackgroundService

END_SECONDS = 3.0  # for what has not ended with the worker itself
CURE = "set state.url to postgresql://USER@HOST/DATABASE; on one machine `damlink serve` does all that is due"


@click.command("worker")
@click.option("--only", multiple=True, metavar="CONNECTOR", help="Carry only this connector; repeatable.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="Number of assets that it carries at once, of all connectors together.",
)
@click.option("--drain", is_flag=True, help="Ask the workers of this machine to end instead; start none.")
@click.option("--quiet", is_flag=True, help="Do not log runs and rejected assets.")
@with_config
def command(
    only: tuple[str, ...], concurrency: int, drain: bool, quiet: bool, config_path: Path | None
) -> None:
    """Carry and list what is due beside other workers, on this machine and others, until SIGTERM or Ctrl-C.

    All workers share one PostgreSQL database, whose tables for them `damlink state upgrade` makes. On a
    signal, transfers under way are finished, or resume in another worker. It also reads the queues of events
    that the portals have (`event_queue`).
    """
    config = load_config(config_path)
    only = tuple(config.connector(name).name for name in only)
    _verify_url(config)
    if drain:
        _drain(config)
        return
    _verify_engine(config)
    if not quiet:
        log_runs()
    _run(config, only, concurrency)


def _verify_url(config: Config) -> None:
    from damlink._state.database import is_sqlite

    if is_sqlite(config.state.url):
        raise ConfigError(f"{config.path}: state.url", "workers need PostgreSQL", hint=CURE)


def _verify_engine(config: Config) -> None:
    try:
        from damlink._serve.engine import find_pending
    except ModuleNotFoundError as error:
        hint = "pip install 'damlink[cluster]'"
        raise ConfigError("", f"worker needs {error.name}", hint=hint) from error
    from damlink._run.session import Session

    with Session(config) as session:
        if find_pending(session.database):
            what = f"{session.database.place}: the tables of the job engine are missing or older"
            raise StateError(what, hint="run `damlink state upgrade`")


def _drain(config: Config) -> None:
    import socket

    from damlink._run.session import Session
    from damlink._state.worker_records import drain_workers

    with Session(config) as session:
        numbers = drain_workers(session.database, socket.gethostname())
    who = ", ".join(map(str, numbers))
    echo(f"asked to end after what is under way: {who}" if numbers else "no worker runs on this machine")


def _run(config: Config, only: tuple[str, ...], concurrency: int) -> None:
    from damlink._run.session import Session
    from damlink._serve.event_queue import verify_queues
    from damlink._serve.follower import ConfigFollower
    from damlink._serve.intake import EventIntake
    from damlink._serve.worker_process import WorkerProcess
    from damlink._state.worker import open_worker_database

    verify_queues(config)
    database, name = open_worker_database(config.state.url, config.folder)
    with Session(config, database=database, urgent=True) as session:
        verify_backups(session)
        process = WorkerProcess(session, name, only=only, threads=concurrency)
        intake = EventIntake(session, has_addresses=False)
        follower = ConfigFollower(session, [intake.follow])
        services: tuple[BackgroundService, ...] = (follower, *intake.services, process)
        _handle_signals(process.stop)
        for service in services:
            service.start()
        process.ended.wait()
        for service in services:
            service.stop()
        # A list, not a generator: every service is joined, even after one has missed the deadline.
        if not all([service.join(END_SECONDS) for service in services]):  # noqa: C419
            end_unfinished("what has not ended in time goes on in another worker")
    database.close()


def _handle_signals(stop: Any) -> None:
    """End on the first signal, and interrupt on the second."""

    def on_signal(number: int, _frame: Any) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.default_int_handler)
        # Another thread: this one may hold the lock that is needed.
        threading.Thread(target=stop, name=f"signal-{number}").start()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, on_signal)
