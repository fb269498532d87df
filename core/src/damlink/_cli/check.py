"""`damlink check`: check connectors and portals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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

    If the config has no connector, its portals are checked. Without names, the issuer of `[console.oidc]` is
    checked as well.
    """
    from damlink._run.check import check_connector, check_portal

    config = load_config(config_path)
    report = _Report(config, json_=json_, on_request=on_request)
    if config.portals and not config.connectors and not names:
        report.add("portal", config.portals, check_portal)
    elif names or config.connectors or not config.oidc:
        report.add("connector", select_connectors(config, names), check_connector)
    if config.oidc and not names:
        report.add("console", ["console.oidc"], _check_issuer)
    return report.finish()


def _check_issuer(session: Session, _name: str) -> Iterator[Finding]:
    # Here, because a config without an issuer needs nothing of the console.
    from damlink._console.oidc import check_issuer

    if session.config.oidc:
        yield from check_issuer(session, session.config.oidc)


def check_portals(config: Config, names: Iterable[str], *, json_: bool, on_request: OnRequest = None) -> int:
    """Check portals, print the findings, and return the exit code."""
    from damlink._run.check import check_portal

    report = _Report(config, json_=json_, on_request=on_request)
    report.add("portal", names, check_portal)
    return report.finish()


@attrs.define
class _Report:
    """The findings of checks: each is printed when it is there, or all of them as JSON at the end."""

    config: Config
    json_: bool
    on_request: OnRequest
    codes: set[int] = attrs.field(factory=set)
    found: list[dict[str, Any]] = attrs.field(factory=list)

    def add(self, kind: str, names: Iterable[str], check: Check) -> None:
        """Check one thing after the other."""
        from damlink._run.session import Session

        for name in names:
            # One session for each: a failure of one must not affect the next.
            with Session(self.config, keeps=False, urgent=True, on_request=self.on_request) as session:
                for finding in check(session, name):
                    self.codes.add(finding.error.exit_code if finding.error else 0)
                    self.found.append({kind: name, **_document(finding)})
                    if not self.json_:
                        _print(name, finding)

    def finish(self) -> int:
        """Print the JSON if it is wanted, and return the exit code."""
        from damlink._cli._output import print_json

        if self.json_:
            print_json(self.found)
        return most_severe(self.codes)


def _print(name: str, finding: Finding) -> None:
    mark = click.style("ok  ", fg="green") if finding.ok else click.style("FAIL", fg="red")
    echo(f" {name}  {finding.what}: {finding.detail}", mark=mark)


def _document(finding: Finding) -> dict[str, Any]:
    return {"what": finding.what, "ok": finding.ok, "detail": finding.detail}
