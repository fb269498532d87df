"""`damlink plan`: what a run would carry, and why."""

from __future__ import annotations

from pathlib import Path

import attrs
import click

from damlink._cli._options import as_json, chosen, connectors, load_config, with_config


@click.command("plan")
@connectors
@click.option("--full", is_flag=True, help="As `damlink run --full` would.")
@as_json
@with_config
def command(names: tuple[str, ...], full: bool, json_: bool, config_path: Path | None) -> None:
    """Say what a run would carry, and why. Changes nothing anywhere and spends nothing."""
    from damlink._assembly import Assembly
    from damlink._cli._output import print_json_lines
    from damlink._plan import plan_connector

    config = load_config(config_path)
    for name in chosen(config, names):
        with Assembly(config, keeps=False) as assembly:
            planned = plan_connector(assembly, name, full=full)
            if json_:
                print_json_lines({"connector": name, **attrs.asdict(each)} for each in planned)
                continue
            count = 0
            for count, each in enumerate(planned, start=1):  # noqa: B007 - the last one is the total
                click.echo(f"{name}: {each.source_id}  {each.title}  ({each.why})")
            click.echo(f"{name}: a run would carry {count} assets")
