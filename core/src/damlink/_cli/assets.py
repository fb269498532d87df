"""`damlink assets`: list the assets of a connector with their states."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from damlink._cli._completion import complete_connectors
from damlink._cli._options import as_json, open_connector_session, with_config
from damlink._cli._output import assets_text, echo

if TYPE_CHECKING:
    from damlink._state.history import Change
    from damlink._state.rows import Row

STATES = ("due", "running", "waiting", "uncertain", "pushed", "skipped", "removed", "rejected", "failed")


@click.command("assets")
@click.argument("name", shell_complete=complete_connectors)
@click.argument("source_id", metavar="[ID]", required=False)
@click.option("--state", type=click.Choice(STATES), help="List only assets in this state.")
@as_json
@with_config
def command(
    name: str, source_id: str | None, state: str | None, json_: bool, config_path: Path | None
) -> None:
    """List a connector's assets. With --state, assets that were not carried are grouped by cause.

    With ID, show that asset's record, as its source listed it, and each change of its state in the last 90
    days. With --json, the list has the records, and the history of an asset has one line for each change.
    """
    from damlink._cli._output import print_json_lines
    from damlink._run.standing import describe_asset
    from damlink._state.history import History
    from damlink._state.ledger import Ledger
    from damlink._state.rows import NOT_CARRIED, RowState

    with open_connector_session(config_path, name, keeps=False) as (session, name):
        if not session.has_database:
            return
        ledger = Ledger(session.database, name)
        if source_id is not None:
            changes = History(session.database, name).read(source_id)
            if json_:
                print_json_lines(map(attrs.asdict, changes))
            else:
                _print_record(ledger.find([source_id]).get(source_id))
                _print_history(changes)
            return
        rows = ledger.rows(RowState(state) if state else None)
        if json_:
            print_json_lines({**describe_asset(row), "raw": row.raw} for row in rows)
        elif state in NOT_CARRIED:
            _print_by_cause(rows)
        else:
            _print(rows)


def _print_record(row: Row | None) -> None:
    if row is not None:
        echo(f"record: {json.dumps(row.raw, ensure_ascii=False, default=dict)}")


def _print_history(changes: Iterable[Change]) -> None:
    from damlink._cli._output import moment_text

    for each in changes:
        run = f"run {each.run}" if each.run is not None else "no run"
        why = f"  ({each.cause})" if each.cause else ""
        echo(f"{moment_text(each.at)} UTC  {run}  {each.from_state} -> {each.to_state}{why}")
        for request in each.requests:
            echo(f"    {' '.join(str(value) for value in request.values())}")


def _print(rows: Iterable[Row]) -> None:
    from damlink._state.rows import NOT_CARRIED

    for row in rows:
        target = f"  -> {row.previous.target_id}" if row.previous and row.previous.target_id else ""
        why = row.last_error if row.state in NOT_CARRIED else row.reason
        echo(f"{row.source_id}  {row.state.value}  {row.title}{target}{'  (' + why + ')' if why else ''}")


def _print_by_cause(rows: Iterable[Row]) -> None:
    causes: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        causes[row.last_error.replace(row.source_id, "…")].append(row)
    for cause, group in sorted(causes.items(), key=lambda item: -len(item[1])):
        echo(f"{assets_text(len(group))}: {cause}", bold=True)
        for row in group:
            echo(f"    {row.source_id}  {row.title}  {_next_try(row)}")


def _next_try(row: Row) -> str:
    from damlink._cli._output import moment_text

    if row.state.value != "failed":
        return ""
    again = f"again after {moment_text(row.due_at)} UTC" if row.due_at else "not again by itself"
    rounds = "1 round" if row.attempts == 1 else f"{row.attempts} rounds"
    return f"({rounds}, {again})"
