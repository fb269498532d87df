"""`damlink workers`: show the workers of the database, and what each of them carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from damlink._cli._options import as_json, load_config, with_config
from damlink._cli._output import echo


@click.command("workers")
@as_json
@with_config
def command(json_: bool, config_path: Path | None) -> None:
    """Show the workers that are alive: where they run, and how many assets of which connectors they carry.

    A worker without a heartbeat for ten seconds is taken for dead by the others, and no longer shown then.
    """
    from damlink._cli._output import print_json, print_table
    from damlink._run.session import Session
    from damlink._state.worker_records import list_workers

    with Session(load_config(config_path), keeps=False) as session:
        found = list_workers(session.database) if session.has_database else []
    if json_:
        print_json([attrs.asdict(each) for each in found])
    elif found:
        head = ("worker", "process", "version", "since (UTC)", "heartbeat", "carries", "connectors")
        print_table(head, [_row(each) for each in found])
    else:
        echo("no worker is alive")


def _row(each: Any) -> tuple[str, ...]:
    from damlink._cli._output import moment_text

    carries = ", ".join(f"{count} of {name}" for name, count in sorted(each.carries.items()))
    state = f"{carries or 'nothing'} ({each.threads} at most{', drains' if each.drains else ''})"
    machine, process, _ = each.owner.rsplit("/", 2)
    beat = f"{each.silent_seconds:.1f} s ago"
    only = ", ".join(each.only) or "all"
    return (
        str(each.number),
        f"{machine}/{process}",
        each.version,
        moment_text(each.started_at),
        beat,
        state,
        only,
    )
