"""`damlink events refused`: the refused messages of a portal's queue."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._options import as_json, load_config, portal_argument, with_config

__all__ = ["refused"]


@click.command("refused")
@portal_argument
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many to list.")
@as_json
@with_config
def refused(portal: str, limit: int, json_: bool, config_path: Path | None) -> None:
    """List the messages of the portal's queue that were refused, the last received first, with the reason.

    They stay in the queue until its own rule moves or deletes them, and are looked at again every quarter of
    an hour. With --json each has its text, without what confirms or ends a subscription.
    """
    import attrs

    from damlink._cli._output import moment_text, print_json_lines, print_table
    from damlink._run.session import Session
    from damlink._state.refused import RefusedMessages

    config = load_config(config_path)
    config.portal(portal)
    with Session(config, keeps=False) as session:
        found = RefusedMessages(session.database).latest(portal, limit) if session.has_database else []
    if json_:
        print_json_lines(attrs.asdict(each) for each in found)
        return
    rows = [
        (each.message_id, moment_text(each.first_at), moment_text(each.last_at), str(each.times), each.reason)
        for each in found
    ]
    print_table(("message", "first received", "last received", "times", "why"), rows)
