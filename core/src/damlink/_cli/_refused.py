"""`damlink events refused`: the refused messages of a portal's queue, and of its address."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from damlink._cli._options import as_json, load_config, portal_argument, with_config

__all__ = ["refused"]


@click.command("refused")
@portal_argument
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many to list.")
@click.option("--at-address", is_flag=True, help="Those at the event address, by day and topic.")
@as_json
@with_config
def refused(portal: str, limit: int, at_address: bool, json_: bool, config_path: Path | None) -> None:
    """List the messages of the portal's queue that were refused, the last received first, with the reason.

    They stay in the queue until its own rule moves or deletes them, and are looked at again every quarter of
    an hour. With --json each has its text, without what confirms or ends a subscription.
    What is refused at the event address is not stored, but counted by day and topic.
    """
    import attrs

    from damlink._cli._output import print_json_lines, print_table
    from damlink._run.session import Session
    from damlink._state.refusals import Refusals
    from damlink._state.refused import RefusedMessages

    config = load_config(config_path)
    config.portal(portal)
    kind = Refusals if at_address else RefusedMessages
    with Session(config, keeps=False) as session:
        found: Sequence[Any] = kind(session.database).latest(portal, limit) if session.has_database else []
    if json_:
        print_json_lines(attrs.asdict(each) for each in found)
    elif at_address:
        head = ("first received", "last received", "at least", "topic", "last message", "why")
        print_table(head, map(_row_of_address, found))
    else:
        print_table(("message", "first received", "last received", "times", "why"), map(_row, found))


def _row(each: Any) -> tuple[str, ...]:
    return each.message_id, *_times(each), each.reason


def _row_of_address(each: Any) -> tuple[str, ...]:
    return *_times(each), each.topic or "-", each.last_message or "-", each.reason


def _times(each: Any) -> tuple[str, ...]:
    from damlink._cli._output import moment_text

    return moment_text(each.first_at), moment_text(each.last_at), str(each.times)
