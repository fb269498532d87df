"""`damlink audit`: list and verify who has changed what."""

from __future__ import annotations

from pathlib import Path

import attrs
import click

from damlink._cli._options import as_json, load_config, with_config
from damlink._cli._output import echo


@click.command("audit")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Number of entries.")
@click.option("--verify", is_flag=True, help="Compute every hash again; exit 3 if an entry was changed.")
@as_json
@with_config
def command(limit: int, verify: bool, json_: bool, config_path: Path | None) -> None:
    """List what users of the console and commands have changed, the newest first.

    A command stands there as os:NAME, with the user of the operating system.

    Each entry holds the hash of the one before. Keep the hash that --verify prints elsewhere: with it, a log
    that was written anew, or cut at its end, shows as well.
    """
    from damlink._cli._output import print_json_lines, print_table
    from damlink._run.session import Session
    from damlink._state.audit import Audit

    with Session(load_config(config_path), keeps=False) as session:
        audit = Audit(session.database) if session.has_database else None
        last = audit.verify() if audit and verify else None
        found = audit.latest(limit) if audit and not verify else []
    if verify:
        echo(f"{last.number} entries, none changed; the last hash is {last.hash}" if last else "no entries")
    elif json_:
        print_json_lines(map(attrs.asdict, found))
    else:
        rows = [
            (each.at, each.user or "(at the machine)", each.action, each.subject, each.details)
            for each in found
        ]
        print_table(("when (UTC)", "who", "did", "to", "what"), rows)
