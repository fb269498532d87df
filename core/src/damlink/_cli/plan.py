"""`damlink plan`: show what a run would carry, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from damlink._cli._options import (
    OnRequest,
    as_json,
    connectors,
    debug_request,
    load_config,
    select_connectors,
    with_config,
)
from damlink._cli._output import assets_text, bytes_text, echo, print_json_lines
from damlink._cli.run import failure_document, most_severe, prefix_connector
from damlink.errors import DamlinkError

if TYPE_CHECKING:
    from damlink._run.session import Session
    from damlink._state.plans import PlannedAsset


@click.command("plan")
@connectors
@click.option("--full", is_flag=True, help="Plan for `damlink run --full`.")
@click.option(
    "--save", is_flag=True, help="Save the plan and print its id, so that `damlink run --plan ID` carries it."
)
@debug_request
@as_json
@with_config
def command(
    names: tuple[str, ...],
    full: bool,
    save: bool,
    on_request: OnRequest,
    json_: bool,
    config_path: Path | None,
) -> int:
    """Show what a run would carry or skip, and why. The command changes nothing and causes no costs."""
    from damlink._run.session import Session

    config = load_config(config_path)
    codes = set()
    planned: dict[str, set[str]] = {}
    for name in select_connectors(config, names):
        try:
            with Session(config, keeps=save, on_request=on_request) as session:
                if save:
                    _save(session, name, full=full, json_=json_)
                else:
                    _plan(session, name, planned, full=full, json_=json_)
        except DamlinkError as error:
            codes.add(error.exit_code)
            echo(f"damlink: {prefix_connector(name, error)}", err=True)
            if json_:
                print_json_lines([failure_document(name, error)])
    return most_severe(codes)


def _plan(session: Session, name: str, planned: dict[str, set[str]], *, full: bool, json_: bool) -> None:
    from damlink._run.plan import plan_connector

    plan = plan_connector(session, name, full=full, planned=planned, with_skipped=True)
    for notice in plan.notices:
        echo(notice, err=json_)
    if json_:
        print_json_lines(_line(name, each) for each in plan.assets)
        return
    count = sum(_show(name, each) for each in plan.assets)
    echo(f"{name}: a run would carry {assets_text(count)}")


def _save(session: Session, name: str, *, full: bool, json_: bool) -> None:
    from damlink._run.saved_plan import save_plan

    def show(asset: PlannedAsset) -> None:
        if json_:
            print_json_lines([_line(name, asset)])
        else:
            _show(name, asset)

    saved = save_plan(session, name, full=full, on_notice=lambda line: echo(line, err=json_), on_asset=show)
    if json_:
        print_json_lines([{"connector": name, "plan": saved.id, **saved.totals}])
        return
    echo(f"{name}: {_totals_text(saved.totals)}")
    echo(f"{name}: plan {saved.id} is saved; `damlink run {name} --plan {saved.id}` carries it")


def _line(name: str, asset: PlannedAsset) -> dict[str, Any]:
    return {"connector": name, **attrs.asdict(asset)}


def _show(name: str, asset: PlannedAsset) -> bool:
    """Print an asset; return whether a run would carry it."""
    action = "" if asset.action == "new" else f"{asset.action}: "
    echo(f"{name}: {asset.source_id}  {asset.title}  ({action}{asset.why})")
    return asset.is_carried


def _totals_text(totals: Mapping[str, Any]) -> str:
    parts = [f"{count} {action}" for action, count in totals["actions"].items()] or ["nothing to carry"]
    sizes = bytes_text(totals["bytes"])
    parts += [
        f"{sizes} (the size of {totals['without_size']} is not known)" if totals["without_size"] else sizes
    ]
    parts += [f"about {totals['requests']} requests to the portal, at least {totals['minutes']:g} min"]
    parts += [f"spends {count:g} {what}" for what, count in totals["spends"].items()]
    return ", ".join(parts)
