"""`damlink plan`: show what a run would carry, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
from damlink._cli._output import assets_text, echo, print_json_lines
from damlink._cli.run import failure_document, most_severe, prefix_connector
from damlink.errors import DamlinkError

if TYPE_CHECKING:
    from damlink._run.session import Session


@click.command("plan")
@connectors
@click.option("--full", is_flag=True, help="Plan for `damlink run --full`.")
@debug_request
@as_json
@with_config
def command(
    names: tuple[str, ...], full: bool, on_request: OnRequest, json_: bool, config_path: Path | None
) -> int:
    """Show what a run would carry, and why. The command changes nothing and causes no costs."""
    from damlink._run.session import Session

    config = load_config(config_path)
    codes = set()
    planned: dict[str, set[str]] = {}
    for name in select_connectors(config, names):
        try:
            with Session(config, keeps=False, on_request=on_request) as session:
                _plan(session, name, planned, full=full, json_=json_)
        except DamlinkError as error:
            codes.add(error.exit_code)
            echo(f"damlink: {prefix_connector(name, error)}", err=True)
            if json_:
                print_json_lines([failure_document(name, error)])
    return most_severe(codes)


def _plan(session: Session, name: str, planned: dict[str, set[str]], *, full: bool, json_: bool) -> None:
    from damlink._run.plan import plan_connector

    plan = plan_connector(session, name, full=full, planned=planned)
    for notice in plan.notices:
        echo(notice, err=json_)
    if json_:
        print_json_lines({"connector": name, **attrs.asdict(each)} for each in plan.assets)
        return
    count = 0
    for count, each in enumerate(plan.assets, start=1):  # noqa: B007 - the last one is the total
        echo(f"{name}: {each.source_id}  {each.title}  ({each.why})")
    echo(f"{name}: a run would carry {assets_text(count)}")
