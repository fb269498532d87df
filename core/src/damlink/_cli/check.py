"""`damlink check`: whether the connectors would work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from damlink._cli._options import as_json, chosen, connectors, load_config, with_config
from damlink._cli.run import first_of


@click.command("check")
@connectors
@as_json
@with_config
def command(names: tuple[str, ...], json_: bool, config_path: Path | None) -> int:
    """Look at the named connectors, or all that are enabled: each line ok, or what to do."""
    from damlink._assembly import Assembly
    from damlink._check import check_connector
    from damlink._cli._output import print_json

    config = load_config(config_path)
    codes, found = set(), []
    for name in chosen(config, names):
        with Assembly(config, keeps=False) as assembly:
            for finding in check_connector(assembly, name):
                codes.add(finding.error.exit_code if finding.error else 0)
                found.append(_document(name, finding))
                if not json_:
                    mark = click.style("ok  ", fg="green") if finding.ok else click.style("FAIL", fg="red")
                    click.echo(f"{mark} {name}  {finding.what}: {finding.detail}")
    if json_:
        print_json(found)
    return first_of(codes)


def _document(name: str, finding: Any) -> dict[str, Any]:
    return {"connector": name, "what": finding.what, "ok": finding.ok, "detail": finding.detail}
