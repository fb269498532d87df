"""`damlink check`: whether the connectors would work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from damlink._cli._options import as_json, chosen, connectors, load_config, with_config
from damlink._cli._output import echo
from damlink._cli.run import first_of

if TYPE_CHECKING:
    from damlink._config.load import Config
    from damlink._run.check import Finding
    from damlink._run.session import Session

    Check = Callable[[Session, str], Iterator[Finding]]

__all__ = ["check_portals", "command"]


@click.command("check")
@connectors
@as_json
@with_config
def command(names: tuple[str, ...], json_: bool, config_path: Path) -> int:
    """Check the named connectors, or all that are enabled: each line ok, or what to do.

    A config without any connector has its portals checked.
    """
    from damlink._run.check import check_connector

    config = load_config(config_path)
    if config.portals and not config.connectors and not names:
        return check_portals(config, config.portals, json_=json_)
    return _check(config, chosen(config, names), check_connector, "connector", json_=json_)


def check_portals(config: Config, names: Iterable[str], *, json_: bool) -> int:
    """Check portals, and print what is found; return the exit code."""
    from damlink._run.check import check_portal

    return _check(config, names, check_portal, "portal", json_=json_)


def _check(config: Config, names: Iterable[str], check: Check, kind: str, *, json_: bool) -> int:
    from damlink._cli._output import print_json
    from damlink._run.session import Session

    codes, found = set(), []
    for name in names:
        with Session(config, keeps=False) as session:
            for finding in check(session, name):
                codes.add(finding.error.exit_code if finding.error else 0)
                found.append({kind: name, **_document(finding)})
                if not json_:
                    mark = click.style("ok  ", fg="green") if finding.ok else click.style("FAIL", fg="red")
                    echo(f" {name}  {finding.what}: {finding.detail}", mark=mark)
    if json_:
        print_json(found)
    return first_of(codes)


def _document(finding: Finding) -> dict[str, Any]:
    return {"what": finding.what, "ok": finding.ok, "detail": finding.detail}
