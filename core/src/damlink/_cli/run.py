"""`damlink run`: run connectors now."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from damlink._cli._noted import note
from damlink._cli._options import (
    OnRequest,
    as_json,
    connectors,
    debug_request,
    load_config,
    select_connectors,
    with_config,
)
from damlink._cli._output import echo, end_now
from damlink.errors import DamlinkError

if TYPE_CHECKING:
    from damlink._config.load import Config
    from damlink._run.report import RunListener
    from damlink._run.runner import RunOptions, RunReport

__all__ = ["command", "failure_document", "most_severe", "prefix_connector", "run_all", "summarize"]

PRECEDENCE = (130, 3, 4, 1, 5)


@click.command("run")
@connectors
@click.option("--full", is_flag=True, help="List everything from the beginning, not only new assets.")
@click.option("--limit", type=click.IntRange(min=1), help="Carry at most this many assets.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Number of transfer threads; else as in the config."
)
@click.option("--plan", metavar="ID", help="Carry exactly what `damlink plan --save` has saved, or nothing.")
@debug_request
@as_json
@with_config
def command(
    names: tuple[str, ...],
    full: bool,
    limit: int | None,
    workers: int | None,
    plan: str | None,
    on_request: OnRequest,
    json_: bool,
    config_path: Path | None,
) -> int:
    """Run the named connectors now, or all enabled ones.

    An asset that has arrived is never carried again; an interrupted transfer resumes where it stopped.
    With --plan, nothing is carried and the exit code is 3 if something has changed since the plan was saved.
    """
    from damlink._cli._output import print_json
    from damlink._run.runner import RunOptions, RunReport

    # SIGTERM ends a run like Ctrl-C: checkpoints are saved and the lease is released.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = load_config(config_path)
    if plan and (full or limit):
        raise click.UsageError("--plan carries the whole plan; leave --full and --limit out")
    chosen = [_owner_of_plan(config, plan, names)] if plan else select_connectors(config, names)
    options = RunOptions(full=full, limit=limit, workers=workers, plan=plan)
    reports = run_all(config, chosen, options, on_request)
    if json_:
        print_json([_document(name, report) for name, report in reports.items()])
    code = most_severe(_code(report) for report in reports.values())
    if any(isinstance(report, RunReport) and report.hanging for report in reports.values()):
        end_now(code)
    return code


def _owner_of_plan(config: Config, plan: str, names: tuple[str, ...]) -> str:
    """Return the connector of a saved plan.

    Raises:
        click.UsageError: several connectors are named.
        ConfigError: there is no such plan, or it is of another connector.
    """
    from damlink._run.saved_plan import find_plan
    from damlink._run.session import Session

    if len(names) > 1:
        raise click.UsageError("a plan is of one connector; name that one, or none")
    named = config.connector(names[0]).name if names else ""
    with Session(config, keeps=False) as session:
        name = find_plan(session, plan, named).connector
        note(session, name, {"plan": plan})
        return name


def run_all(
    config: Config, names: list[str], options: RunOptions, on_request: OnRequest = None
) -> dict[str, RunReport | DamlinkError]:
    """Run one connector after the other; a failure_document does not stop the next one."""
    from damlink._run.runner import run_connector
    from damlink._run.session import Session

    # What is loaded stays loaded: the garbage collections of a run need not go through it. Once a process.
    if not gc.get_freeze_count():
        gc.freeze()
    reports: dict[str, RunReport | DamlinkError] = {}
    for name in names:
        try:
            with (
                _show_progress(name) as listener,
                Session(config, listener=listener, on_request=on_request) as session,
            ):
                report = run_connector(session, name, options)
        except DamlinkError as error:
            reports[name] = error
            echo(f"damlink: {error}", err=True)
            continue
        reports[name] = report
        if report.error:
            echo(f"damlink: {prefix_connector(name, report.error)}", err=True)
        if report.outcomes or not report.error:
            echo(summarize(report), err=True)
        for line in report.hanging:
            echo(f"damlink: {line}", err=True)
        if report.hanging or (report.error and report.error.stops == "run"):
            break
    return reports


def _show_progress(connector: str) -> contextlib.AbstractContextManager[RunListener]:
    """Show the progress of a run on stderr: live on a terminal, else as lines, which need no rich."""
    if sys.stderr.isatty():
        from damlink._cli._screen import show_screen

        return show_screen(connector)
    from damlink._cli._progress import Lines

    return contextlib.nullcontext(Lines(connector))


def prefix_connector(name: str, error: DamlinkError) -> str:
    """Return an error in one line that begins with the connector's name."""
    return str(error) if str(error).startswith(f"{name}: ") else f"{name}: {error}"


def summarize(report: RunReport) -> str:
    """Return the result of a run in one line."""
    from damlink._cli._output import bytes_text, seconds_text

    found = report.listed.get("found", 0)
    parts = [f"{report.outcomes.get('pushed', 0)} pushed ({bytes_text(report.bytes)})"]
    parts += [f"{count} {state}" for state, count in sorted(report.outcomes.items()) if state != "pushed"]
    parts += [f"{found} found in the portal"] if found else []
    parts += [f"{report.listed.get('unchanged', 0)} unchanged", f"in {seconds_text(report.seconds)}"]
    return f"{report.connector}: {', '.join(parts)}"


def most_severe(codes: Any) -> int:
    """Return the most severe of several exit codes."""
    occurred = set(codes)
    return next((code for code in PRECEDENCE if code in occurred), 0)


def _code(report: RunReport | DamlinkError) -> int:
    return report.exit_code


def failure_document(name: str, error: DamlinkError) -> dict[str, Any]:
    """Return the JSON document of a connector whose run could not start."""
    return {"connector": name, "exit_code": error.exit_code, "error": str(error)}


def _document(name: str, report: RunReport | DamlinkError) -> dict[str, Any]:
    if isinstance(report, DamlinkError):
        return failure_document(name, report)
    error = str(report.error) if report.error else None
    notices = dict(report.notices)
    return {
        "connector": name,
        "exit_code": report.exit_code,
        "error": error,
        "notices": notices,
    } | report.totals()
