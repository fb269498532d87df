"""`damlink status`: show the state of each connector."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from damlink._cli._options import as_json, load_config, with_config
from damlink._cli._output import echo, echo_text
from damlink.errors import DamlinkError

if TYPE_CHECKING:
    from damlink._run.session import Session
    from damlink._state.ledger import Ledger
    from damlink._state.runs import RunRecord

BAD: Final = ("failed", "rejected", "uncertain")
MOST_CAUSES: Final = 3  # of each state; `damlink assets` lists all
MOST_ROWS: Final = 1000


@click.command("status")
@as_json
@with_config
def command(json_: bool, config_path: Path | None) -> None:
    """Show each connector's last run, the causes of failures, and the next run by `damlink serve`.

    The last line shows how much of the pace is left.
    """
    from damlink._cli._output import print_json
    from damlink._run.session import Session

    config = load_config(config_path)
    with Session(config, keeps=False) as session:
        connectors = [_connector(session, name) for name in config.connectors]
        budget = attrs.asdict(session.pace.budget())
    document = {"connectors": connectors, "pace": budget}
    if json_:
        print_json(document)
    else:
        _print(document)


def _connector(session: Session, name: str) -> dict[str, Any]:
    from damlink._state.ledger import Ledger
    from damlink._state.runs import Runs

    config = session.config.connector(name)
    found: dict[str, Any] = {"name": name, "title": config.title, "plugin": config.plugin}
    found |= {"portal": config.portal, "enabled": config.enabled, "assets": {}, "last_run": None}
    latest, listing = [], None
    if session.has_database:
        ledger, runs = Ledger(session.database, name), Runs(session.database, name)
        found["assets"] = ledger.counts()
        latest, listing = runs.latest(1), runs.latest_listing()
        found["last_run"] = attrs.asdict(latest[0]) if latest else None
        found["reasons"] = list(_reasons(ledger, latest[0].error if latest else "", found["assets"]))
    return found | {"next_run": _next_run(session, name, listing)}


def _reasons(ledger: Ledger, error: str, counts: dict[str, int]) -> Iterator[str]:
    """Yield the error of the last run and the causes of assets not carried, the most frequent first."""
    from damlink._state.rows import RowState

    if error:
        yield error
    for state in (state for state in BAD if state in counts):
        rows = itertools.islice(ledger.rows(RowState(state)), MOST_ROWS)
        # Without the id, equal causes of different assets are counted together.
        causes = Counter(row.last_error.replace(row.source_id, "…") for row in rows)
        for cause, count in causes.most_common(MOST_CAUSES):
            yield f"{count} {state}: {cause}"


def _next_run(session: Session, name: str, last: RunRecord | None) -> datetime | None:
    """Return the approximate moment of the next listing by `damlink serve`; `None` without an interval."""
    config = session.config.connector(name)
    seconds = config.every or _interval_of_plugin(session, name, last)
    if not seconds or not config.enabled:
        return None
    is_due = last is None or last.finished_at is None or last.error
    now = datetime.now(UTC)
    return now if is_due or last is None else max(now, last.started_at + timedelta(seconds=seconds))


def _interval_of_plugin(session: Session, name: str, last: RunRecord | None) -> float | None:
    """Return the interval that the last run has stored: to load the plugin takes longer than all the rest."""
    from damlink._config.duration import Duration

    if last is not None and last.every is not None:
        return last.every

    try:
        every = session.load_plugin(name).about.every
    except DamlinkError:
        return None
    return Duration.parse(every) if every else None


def _print(document: dict[str, Any]) -> None:
    from damlink._cli._output import print_table

    rows = [_row(each) for each in document["connectors"]]
    print_table(("connector", "plugin", "portal", "last run (UTC)", "next run (UTC)", "assets"), rows)
    for each in document["connectors"]:
        for reason in each.get("reasons", ()):
            text = reason if reason.startswith(f"{each['name']}: ") else f"{each['name']}: {reason}"
            echo(text, fg="red")
    pace = document["pace"]
    left = pace["allowed"] - pace["used"]
    echo_text(f"\npace: {left} of {pace['allowed']} requests left in {pace['window_seconds']:g} s")
    if pace["silent_seconds"]:
        echo(f"pace: silent for {pace['silent_seconds']:.0f} s, after the portal said 429")


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    from damlink._cli._output import moment_text

    assets = ", ".join(f"{count} {state}" for state, count in each["assets"].items()) or "none yet"
    name = f"{each['title']} ({each['name']})" if each["title"] else each["name"]
    name = name if each["enabled"] else f"{name} (disabled)"
    following = moment_text(each["next_run"]) if each["next_run"] else "when asked"
    return name, each["plugin"], each["portal"], _last(each["last_run"]), following, assets


def _last(run: dict[str, Any] | None) -> str:
    from damlink._cli._output import moment_text

    if run is None:
        return "never"
    if run["finished_at"] is None:
        return f"{moment_text(run['started_at'])} (not finished)"
    return f"{moment_text(run['started_at'])} (exit {run['exit_code']})"
