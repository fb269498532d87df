"""`damlink run`: sync now."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from damlink._cli._options import as_json, chosen, connectors, load_config, with_config
from damlink._cli._output import echo
from damlink.errors import DamlinkError

if TYPE_CHECKING:
    from damlink._config.load import Config
    from damlink._run.runner import RunOptions, RunReport

__all__ = ["command", "failure", "first_of", "named", "run_all", "summary"]

PRECEDENCE = (130, 3, 4, 1, 5)


@click.command("run")
@connectors
@click.option("--full", is_flag=True, help="List from the beginning, not only what is new.")
@click.option("--limit", type=click.IntRange(min=1), help="Carry at most so many assets.")
@click.option("--workers", type=click.IntRange(min=1), help="Carry so many at once; else as the config says.")
@as_json
@with_config
def command(
    names: tuple[str, ...],
    full: bool,
    limit: int | None,
    workers: int | None,
    json_: bool,
    config_path: Path | None,
) -> int:
    """Sync the named connectors now, or all that are enabled.

    What has been carried is never carried again; what was interrupted goes on where it stopped.
    """
    from damlink._cli._output import print_json
    from damlink._run.runner import RunOptions

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = load_config(config_path)
    options = RunOptions(full=full, limit=limit, workers=workers)
    reports = run_all(config, chosen(config, names), options)
    if json_:
        print_json([_document(name, report) for name, report in reports.items()])
    return first_of(_code(report) for report in reports.values())


def run_all(config: Config, names: list[str], options: RunOptions) -> dict[str, RunReport | DamlinkError]:
    """Run one connector after the other; one that fails does not keep the next from running."""
    from damlink._cli._progress import shown
    from damlink._run.runner import run_connector
    from damlink._run.session import Session

    reports: dict[str, RunReport | DamlinkError] = {}
    for name in names:
        try:
            with shown(name) as listener, Session(config, listener=listener) as session:
                report = run_connector(session, name, options)
        except DamlinkError as error:
            reports[name] = error
            echo(f"damlink: {error}", err=True)
            continue
        reports[name] = report
        if report.error:
            echo(f"damlink: {named(name, report.error)}", err=True)
        if report.outcomes or not report.error:
            echo(summary(report), err=True)
        if report.error and report.error.stops == "run":
            break
    return reports


def named(name: str, error: DamlinkError) -> str:
    """Return an error in one line that begins with the connector."""
    return str(error) if str(error).startswith(f"{name}: ") else f"{name}: {error}"


def summary(report: RunReport) -> str:
    """A run in one line."""
    from damlink._cli._output import bytes_text, seconds_text

    found = report.listed.get("found", 0)
    parts = [f"{report.outcomes.get('pushed', 0)} pushed ({bytes_text(report.bytes)})"]
    parts += [f"{count} {state}" for state, count in sorted(report.outcomes.items()) if state != "pushed"]
    parts += [f"{found} found in the portal"] if found else []
    parts += [f"{report.listed.get('unchanged', 0)} unchanged", f"in {seconds_text(report.seconds)}"]
    return f"{report.connector}: {', '.join(parts)}"


def first_of(codes: Any) -> int:
    """The exit code of several runs: the gravest."""
    occurred = set(codes)
    return next((code for code in PRECEDENCE if code in occurred), 0)


def _code(report: RunReport | DamlinkError) -> int:
    return report.exit_code


def failure(name: str, error: DamlinkError) -> dict[str, Any]:
    """Return the JSON of a connector that could not begin."""
    return {"connector": name, "exit_code": error.exit_code, "error": str(error)}


def _document(name: str, report: RunReport | DamlinkError) -> dict[str, Any]:
    if isinstance(report, DamlinkError):
        return failure(name, report)
    error = str(report.error) if report.error else None
    notices = dict(report.notices)
    return {
        "connector": name,
        "exit_code": report.exit_code,
        "error": error,
        "notices": notices,
    } | report.totals()
