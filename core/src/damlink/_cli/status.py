"""`damlink status`: show the state of each connector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from damlink._cli._options import as_json, load_config, with_config
from damlink._cli._output import echo, echo_text


@click.command("status")
@as_json
@with_config
def command(json_: bool, config_path: Path | None) -> None:
    """Show each connector's last run, the causes of failures, and the next run by `damlink serve`.

    Without a `serve` or a worker that keeps the schedule, it says so in place of the next run.
    It says how many messages of the portals' queues are refused. On PostgreSQL it shows what each worker
    carries. The last line shows how much of the pace is left.
    """
    from damlink._cli._output import print_json
    from damlink._run.session import Session
    from damlink._run.standing import describe_connector
    from damlink._state.refused import RefusedMessages
    from damlink._state.worker_records import list_workers

    config = load_config(config_path)
    with Session(config, keeps=False) as session:
        connectors = [describe_connector(session, name) for name in config.connectors]
        budget = attrs.asdict(session.pace.budget())
        workers = list_workers(session.database) if session.has_database else []
        refused = RefusedMessages(session.database).counts() if session.has_database else {}
    document = {"connectors": connectors, "pace": budget}
    if refused:
        document["refused_messages"] = refused
    if workers:
        document["workers"] = [attrs.asdict(each) for each in workers]
    if json_:
        print_json(document)
    else:
        _print(document)


def _print(document: dict[str, Any]) -> None:
    from damlink._cli._output import print_table

    rows = [_row(each) for each in document["connectors"]]
    print_table(("connector", "plugin", "portal", "last run (UTC)", "next run (UTC)", "assets"), rows)
    for each in document["connectors"]:
        for reason in each.get("reasons", ()):
            text = reason if reason.startswith(f"{each['name']}: ") else f"{each['name']}: {reason}"
            echo(text, fg="red")
    if any(each["next_run"] and not each["schedule_kept"] for each in document["connectors"]):
        echo("no schedule is being kept: start `damlink serve`", fg="red")
    for portal, count in document.get("refused_messages", {}).items():
        echo(f"{portal}: {count} refused in its queue; damlink events refused {portal}", fg="red")
    for each in document.get("workers", ()):
        carries = ", ".join(f"{count} of {name}" for name, count in sorted(each["carries"].items()))
        echo_text(f"worker {each['number']} ({each['owner'].rpartition('/')[0]}): {carries or 'nothing'}")
    pace = document["pace"]
    left = pace["allowed"] - pace["used"]
    echo_text(f"\npace: {left} of {pace['allowed']} requests left in {pace['window_seconds']:g} s")
    if pace["silent_seconds"]:
        echo(f"pace: silent for {pace['silent_seconds']:.0f} s, after the portal said 429")


def _row(each: dict[str, Any]) -> tuple[str, ...]:

    assets = ", ".join(f"{count} {state}" for state, count in each["assets"].items()) or "none yet"
    name = f"{each['title']} ({each['name']})" if each["title"] else each["name"]
    name = name if each["enabled"] else f"{name} (disabled)"
    return name, each["plugin"], each["portal"], _last(each["last_run"]), _next(each), assets


def _next(each: dict[str, Any]) -> str:
    from damlink._cli._output import moment_text

    if each["next_run"] is None:
        return "when asked"
    return moment_text(each["next_run"]) if each["schedule_kept"] else "not kept"


def _last(run: dict[str, Any] | None) -> str:
    from damlink._cli._output import moment_text

    if run is None:
        return "never"
    if run["finished_at"] is None:
        return f"{moment_text(run['started_at'])} (not finished)"
    return f"{moment_text(run['started_at'])} (exit {run['exit_code']})"
