"""`damlink check`: check connectors and portals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from damlink._cli._output import echo
from damlink._cli.run import most_severe

if TYPE_CHECKING:
    from damlink._config.load import Config
    from damlink._run.check import Finding
    from damlink._run.session import Session

    Check = Callable[[Session, str], Iterator[Finding]]

__all__ = ["check_portals", "command"]


@click.command("check")
@connectors
@debug_request
@as_json
@with_config
def command(names: tuple[str, ...], on_request: OnRequest, json_: bool, config_path: Path) -> int:
    """Check the named connectors, or all enabled ones. Each line says ok, or what to do.

    If the config has no connector, its portals are checked.
    """
    from damlink._run.check import check_connector

    config = load_config(config_path)
    if config.portals and not config.connectors and not names:
        return check_portals(config, config.portals, json_=json_, on_request=on_request)
    chosen = select_connectors(config, names)
    return _check(config, chosen, check_connector, "connector", json_=json_, on_request=on_request)


def check_portals(config: Config, names: Iterable[str], *, json_: bool, on_request: OnRequest = None) -> int:
    """Check portals, print the findings, and return the exit code."""
    from damlink._run.check import check_portal

    return _check(config, names, check_portal, "portal", json_=json_, on_request=on_request)


def _check(
    config: Config,
    names: Iterable[str],
    check: Check,
    kind: str,
    *,
    json_: bool,
    on_request: OnRequest,
) -> int:
    from damlink._cli._output import print_json
    from damlink._run.session import Session

    codes, found = set(), []
    for name in names:
        # One session for each connector: a failure of one must not affect the next.
        with Session(config, keeps=False, urgent=True, on_request=on_request) as session:
            for finding in check(session, name):
                codes.add(finding.error.exit_code if finding.error else 0)
                found.append({kind: name, **_document(finding)})
                if not json_:
                    mark = click.style("ok  ", fg="green") if finding.ok else click.style("FAIL", fg="red")
                    echo(f" {name}  {finding.what}: {finding.detail}", mark=mark)
    if json_:
        print_json(found)
    return most_severe(codes)


def _document(finding: Finding) -> dict[str, Any]:
    return {"what": finding.what, "ok": finding.ok, "detail": finding.detail}
