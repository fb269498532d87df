"""`damlink demo`: a whole run in the sandbox, from nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from damlink._cli._sandbox_extra import sandbox_module
from damlink.errors import DamlinkError

if TYPE_CHECKING:
    from damlink.sandbox import Sandbox


@click.command("demo")
@click.option(
    "--media",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Your own files as the licensed ones, instead of generated ones.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep config, database and media in this folder.",
)
def command(media: Path | None, keep: Path | None) -> int:
    """Start the sandbox, write a config for it, and run every connector, twice.

    Each asset's bytes in the portal are compared with the source's. Nothing leaves this machine.
    """
    sandbox = sandbox_module()
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        return _demo(sandbox, keep.resolve(), media)
    with tempfile.TemporaryDirectory(prefix="damlink-demo-") as folder:
        return _demo(sandbox, Path(folder), media)


def _demo(sandbox: Any, folder: Path, media: Path | None) -> int:
    # The sandbox's requests are none of the real portals' business.
    os.environ["DAMLINK_STATE_DIR"] = str(folder)
    files = sandbox.from_folder(media) if media else None
    world = folder / "sandbox"
    world.mkdir(exist_ok=True)
    with sandbox.Sandbox(media=files, folder=world) as running:
        return _show(running, folder)


def _show(running: Sandbox, folder: Path) -> int:
    from damlink._cli._sandbox_config import write_sandbox_config
    from damlink._cli.run import run_all
    from damlink._config import load
    from damlink._runner import RunOptions, RunReport

    path = write_sandbox_config(folder, running.parts.values())
    config = load(path)
    click.echo(f"A Bynder portal at {running.origins['portal']} and {_partners(running)}, with the config:\n")
    click.echo(path.read_text(encoding="utf-8"))
    click.echo("$ damlink run")
    first = run_all(config, list(config.connectors), RunOptions())
    click.echo("\n$ damlink run        (again: there is nothing left to carry)")
    second = run_all(config, list(config.connectors), RunOptions())
    click.echo("\nThe portal now holds, with the bytes compared with the source's:\n")
    wrong = [line for line, same in _compared(running) if not same]
    again = sum(r.outcomes.get("pushed", 0) for r in second.values() if isinstance(r, RunReport))
    failed = [r for r in (*first.values(), *second.values()) if isinstance(r, DamlinkError) or r.exit_code]
    ok = not wrong and not again and not failed
    click.echo(_verdict(ok, len(running.part("bynder").state()["assets"]), len(wrong), again))
    return 0 if ok else 1


def _partners(running: Sandbox) -> str:
    return ", ".join(name for name in running.parts if name != "bynder")


def _compared(running: Sandbox) -> Iterator[tuple[str, bool]]:
    """Print each licensed file beside what the portal has of it."""
    stored = {tag: asset for asset in running.part("bynder").state()["assets"] for tag in asset["tags"]}
    for part in running.parts.values():
        for licensed in _expected(part.state()):
            asset = stored.get(licensed["id"])
            same = asset is not None and asset["sha256"] == licensed["sha256"]
            mark = click.style("same", fg="green") if same else click.style("DIFFERENT", fg="red")
            name = asset["name"] if asset else "(missing)"
            line = f"  {licensed['id']}  {licensed['sha256'][:16]}…  {mark}  {name}"
            click.echo(line)
            yield line, same


def _expected(state: Any) -> list[dict[str, Any]]:
    """The files that a partner says must arrive under the connector it described."""
    return [each for each in state.get("licensed", ()) if each.get("expected", True)]


def _verdict(ok: bool, assets: int, wrong: int, again: int) -> str:
    if ok:
        return f"\n{assets} assets arrived once and whole; the second run carried 0."
    return f"\nSomething is wrong: {wrong} files differ or are missing; the second run carried {again}."
