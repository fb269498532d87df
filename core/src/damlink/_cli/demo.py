"""`damlink demo`: a whole run in the sandbox, from nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from damlink._cli._output import assets_text, echo, echo_text
from damlink._cli._sandbox_extra import sandbox_module
from damlink.errors import DamlinkError

if TYPE_CHECKING:
    from damlink._config.load import Config
    from damlink._run.runner import RunReport
    from damlink_sandbox import Finding, Sandbox

    Reports = dict[str, RunReport | DamlinkError]


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
    """Start the sandbox, write a config for it, run every connector three times, and then serve.

    The portal is compared with what each partner holds; only the first run may have anything to carry, even
    where the last one lists everything anew. While it serves, things happen in the portal, and what should
    come of them is waited for. Nothing leaves this machine.
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
    from damlink._cli._demo_live import free_address
    from damlink._cli._sandbox_config import write_sandbox_config
    from damlink._cli.run import run_all
    from damlink._config.load import load
    from damlink._run.runner import RunOptions

    _furnish(running)
    path = write_sandbox_config(folder, running.parts.values(), free_address())
    config = load(path)
    echo_text(f"A Bynder portal at {running.origins['portal']} and {_partners(config)}, with the config:\n")
    echo_text(path.read_text(encoding="utf-8"))

    def run(*, full: bool = False, note: str = "") -> Reports:
        echo(f"$ damlink run{' --full' if full else ''}{note}")
        return run_all(config, list(config.connectors), RunOptions(full=full))

    first = run()
    second = run(note="        (again: there is nothing left to carry)")
    third = run(full=True, note=" (everything is listed anew: nothing either)")
    wrong = sum(not finding.ok for finding in _found(running)) + _serve(running, path)
    again = sum(_pushed(reports) for reports in (second, third))
    ok = not wrong and not again and not any(map(_failed, (first, second, third)))
    echo_text(_verdict(ok, len(running.part("bynder").state()["assets"]), wrong, again))
    return 0 if ok else 1


def _furnish(running: Sandbox) -> None:
    """Let each part put in place what its connector works with."""
    for part in running.parts.values():
        furnish = getattr(part, "furnish", None)
        if furnish:
            furnish(running.parts)


def _partners(config: Config) -> str:
    return ", ".join(config.connectors)


def _found(running: Sandbox) -> Iterator[Finding]:
    """Print what each part finds in the portal, line by line."""
    for name, part in running.parts.items():
        findings = getattr(part, "findings", None)
        if findings:
            echo_text(f"\n{name}, compared with the portal:\n")
            for finding in findings(running.parts):
                echo(_line(finding))
                yield finding


def _serve(running: Sandbox, path: Path) -> int:
    """Let things happen while Damlink serves; how many of them came to nothing, or to the wrong thing."""
    from damlink._cli._demo_live import scenes_played

    wrong = 0
    for finding, seconds in scenes_played(running, path):
        said = _line(finding) if finding else "  NOTHING has come of it"
        echo(f"{said}, after {seconds:.1f} s")
        wrong += finding is None or not finding.ok
    return wrong


def _line(finding: Finding) -> str:
    mark = "as it should" if finding.ok else "WRONG"
    note = f"  ({finding.note})" if finding.note else ""
    return f"  {finding.key}  {finding.sha256[:16]}…  {mark}  {finding.name}{note}"


def _pushed(reports: Reports) -> int:
    counts = (getattr(report, "outcomes", {}) for report in reports.values())
    return sum(outcomes.get("pushed", 0) for outcomes in counts)


def _failed(reports: Reports) -> bool:
    return any(isinstance(report, DamlinkError) or report.exit_code for report in reports.values())


def _verdict(ok: bool, assets: int, wrong: int, again: int) -> str:
    if ok:
        return f"\n{assets_text(assets)} in the portal, each once and whole; the later runs carried 0."
    return f"\nSomething is wrong: {wrong} files differ or are missing; the later runs carried {again}."
