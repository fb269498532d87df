"""`damlink demo`: every connector in the sandbox, from nothing."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from damlink_sandbox.commands import children
from damlink_sandbox.commands.config import PORTAL, write_sandbox_config
from damlink_sandbox.commands.output import echo, echo_text
from damlink_sandbox.media import from_folder
from damlink_sandbox.server import Sandbox
from damlink_sandbox.world import Finding


@click.command("demo")
@click.option(
    "--media",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Your own files as the licensed ones, instead of the sandbox's.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep config, database and media in this folder.",
)
def command(media: Path | None, keep: Path | None) -> int:
    """Start the sandbox, write a config for it, run every connector three times, and then serve.

    The portal is compared with what each partner holds; only the first run may have anything to carry, even
    where the last one lists everything anew. While it serves, things happen in the portal, and the demo
    waits for their results. Nothing leaves this machine.
    """
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        return _run_in(keep.resolve(), media)
    with tempfile.TemporaryDirectory(prefix="damlink-demo-") as folder:
        return _run_in(Path(folder), media)


def _run_in(folder: Path, media: Path | None) -> int:
    # Requests to the sandbox must not count against the real portals' limits, which are kept in this folder.
    os.environ["DAMLINK_STATE_DIR"] = str(folder)
    files = from_folder(media) if media else None
    world = folder / "sandbox"
    world.mkdir(exist_ok=True)
    with Sandbox(media=files, folder=world) as running:
        return _show(running, folder)


def _show(running: Sandbox, folder: Path) -> int:
    running.furnish()
    config = write_sandbox_config(folder, running.parts.values(), children.free_address())
    partners = ", ".join(
        name for name, part in running.parts.items() if part.connector() and name != "bynder"
    )
    echo_text(f"A Bynder portal at {running.origins['portal']} and {partners}, with the config:\n")
    echo_text(config.read_text(encoding="utf-8"))
    runs = [
        children.run(config),
        children.run(config, note="        (again: there is nothing left to carry)"),
        children.run(config, full=True, note=" (everything is listed anew: nothing either)"),
    ]
    wrong = sum(not finding.ok for finding in _compare(running)) + _play_scenes(running, config)
    again = sum(run.pushed for run in runs[1:])
    ok = not wrong and not again and not any(run.exit_code for run in runs)
    echo_text(_verdict(ok, len(running.part("bynder").state()["assets"]), wrong, again))
    return 0 if ok else 1


def _compare(running: Sandbox) -> Iterator[Finding]:
    """Print and yield each part's findings in the portal."""
    for name, part in running.parts.items():
        findings = getattr(part, "findings", None)
        if findings:
            echo_text(f"\n{name}, compared with the portal:\n")
            for finding in findings(running.parts):
                echo(_line(finding))
                yield finding


def _play_scenes(running: Sandbox, config: Path) -> int:
    """Play each part's scenes while Damlink serves, and return how many results are missing or wrong."""
    wrong = 0
    with children.serve(config):
        children.call(config, "events", "subscribe", PORTAL)
        children.wait_for(
            lambda: any(each["confirmed"] for each in running.part("sns").state()["subscriptions"]) or None
        )
        for part in running.parts.values():
            for scene in getattr(part, "scenes", lambda _parts: ())(running.parts):
                echo_text(f"\n{scene.title}:")
                began = time.monotonic()
                scene.play()
                finding = children.wait_for(scene.seen)
                line = _line(finding) if finding else "  NOTHING has come of it"
                echo(f"{line}, after {time.monotonic() - began:.1f} s")
                wrong += finding is None or not finding.ok
    return wrong


def _line(finding: Finding) -> str:
    mark = "as it should" if finding.ok else "WRONG"
    note = f"  ({finding.note})" if finding.note else ""
    return f"  {finding.key}  {finding.sha256[:16]}…  {mark}  {finding.name}{note}"


def _verdict(ok: bool, assets: int, wrong: int, again: int) -> str:
    if ok:
        count = "1 asset" if assets == 1 else f"{assets} assets"
        return f"\n{count} in the portal, each once and whole; the later runs carried 0."
    return f"\nSomething is wrong: {wrong} files differ or are missing; the later runs carried {again}."
