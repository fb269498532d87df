"""`damlink bynder PORTAL drift`: compare a portal with the definitions that this version was built on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from damlink._cli._options import as_json, load_config, show_request, with_new_config
from damlink._cli._output import echo, print_json

if TYPE_CHECKING:
    from damlink.bynder import Drift

__all__ = ["PORTAL", "command"]

PORTAL = "damlink.portal"  # key under which the group passes the portal's name to its commands


@click.command("drift")
@as_json
@click.option(
    "--definitions",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder with Bynder's present OpenAPI definitions: operations that are new or gone are named.",
)
@click.option("--debug-request", is_flag=True, help="Show on stderr each request that is sent.")
@with_new_config
@click.pass_context
def command(
    ctx: click.Context,
    *,
    json_: bool,
    definitions: Path | None,
    debug_request: bool,
    config_path: Path | None,
) -> int:
    """Compare the portal's answers with the definitions that this version was built on.

    It reads each kind of record once or twice and changes nothing. It names fields and operations that
    are new, gone or of another type. The exit code is 1 if there are any, or if the portal failed.
    """
    config = load_config(config_path)
    from damlink._run.session import Session

    name = ctx.meta[PORTAL]
    with Session(config, keeps=False, keeps_tokens=True) as session:
        portal = session.open_portal(name, on_request=show_request if debug_request else None)
        found = portal.drift(definitions)
    if json_:
        print_json({"portal": name, **_plain(found)})
    else:
        _show(name, found)
    return int(bool(found.changes or found.failed))


def _plain(found: Drift) -> dict[str, Any]:
    """Return a result as JSON: the changes and why operations were not compared as objects."""
    return attrs.asdict(found) | {"not_compared": dict(found.not_compared)}


def _show(name: str, found: Drift) -> None:
    for change in found.changes:
        place = f"{change.operation}: {change.field}" if change.field else change.operation
        echo(f"{change.kind:5} {place} ({change.detail})")
    for operation, reason in found.not_compared.items():
        kind = "ERROR" if operation in found.failed else "-"
        echo(f"{kind:5} {operation}: not compared: {reason}")
    count = len(found.changes)
    changes = f"{count} difference{'s' * (count > 1)}" if count else "no drift"
    echo(f"{name}: {changes} in {len(found.compared)} operations", bold=True)
