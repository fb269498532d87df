"""`damlink status`: where things stand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from damlink._cli._options import as_json, load_config, with_config
from damlink._cli._output import echo, echo_text

if TYPE_CHECKING:
    from damlink._assembly import Assembly


@click.command("status")
@as_json
@with_config
def command(json_: bool, config_path: Path | None) -> None:
    """Say where each connector stands, and how much of the pace is left."""
    from damlink._assembly import Assembly
    from damlink._cli._output import print_json

    config = load_config(config_path)
    with Assembly(config, keeps=False) as assembly:
        connectors = [_connector(assembly, name) for name in config.connectors]
        budget = attrs.asdict(assembly.pace.budget())
    document = {"connectors": connectors, "pace": budget}
    if json_:
        print_json(document)
    else:
        _print(document)


def _connector(assembly: Assembly, name: str) -> dict[str, Any]:
    from damlink._state import Ledger, Runs

    config = assembly.config.connector(name)
    found: dict[str, Any] = {"name": name, "plugin": config.plugin, "portal": config.portal}
    found |= {"enabled": config.enabled, "assets": {}, "last_run": None}
    if assembly.has_database:
        found["assets"] = Ledger(assembly.database, name).counts()
        latest = Runs(assembly.database, name).latest(1)
        found["last_run"] = attrs.asdict(latest[0]) if latest else None
    return found


def _print(document: dict[str, Any]) -> None:
    from damlink._cli._output import print_table

    rows = [_row(each) for each in document["connectors"]]
    print_table(("connector", "plugin", "portal", "last run", "assets"), rows)
    pace = document["pace"]
    left = pace["allowed"] - pace["used"]
    echo_text(f"\npace: {left} of {pace['allowed']} requests left in {pace['window_seconds']:g} s")
    if pace["silent_seconds"]:
        echo(f"pace: silent for {pace['silent_seconds']:.0f} s, after the portal said 429")


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    assets = ", ".join(f"{count} {state}" for state, count in each["assets"].items()) or "none yet"
    name = each["name"] if each["enabled"] else f"{each['name']} (disabled)"
    return name, each["plugin"], each["portal"], _last(each["last_run"]), assets


def _last(run: dict[str, Any] | None) -> str:
    from damlink._cli._output import moment_text

    if run is None:
        return "never"
    if run["finished_at"] is None:
        return f"{moment_text(run['started_at'])} (not finished)"
    return f"{moment_text(run['started_at'])} (exit {run['exit_code']})"
