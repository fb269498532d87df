"""`damlink runs`: list the last runs of a connector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from damlink._cli._completion import complete_connectors
from damlink._cli._options import as_json, open_connector_session, with_config


@click.command("runs")
@click.argument("name", shell_complete=complete_connectors)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Number of runs.")
@as_json
@with_config
def command(name: str, limit: int, json_: bool, config_path: Path | None) -> None:
    """List the last runs of a connector, the newest first."""
    from damlink._cli._output import print_json_lines, print_table
    from damlink._state.runs import Runs

    with open_connector_session(config_path, name, keeps=False) as (session, name):
        found = Runs(session.database, name).latest(limit) if session.has_database else []
    if json_:
        print_json_lines(attrs.asdict(run) for run in found)
    else:
        print_table(("started (UTC)", "seconds", "exit", "assets", ""), [_row(run) for run in found])


def _row(run: Any) -> tuple[str, ...]:
    from damlink._cli._output import moment_text

    outcomes = ", ".join(f"{count} {state}" for state, count in run.totals.get("outcomes", {}).items())
    code = "-" if run.exit_code is None else str(run.exit_code)
    return (
        moment_text(run.started_at),
        str(run.totals.get("seconds", "-")),
        code,
        outcomes or "none",
        run.error,
    )
