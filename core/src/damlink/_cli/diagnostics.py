"""`damlink diagnostics`: write a file for support."""

from __future__ import annotations

from pathlib import Path

import click

from damlink._cli._options import load_config, with_config
from damlink._cli._output import echo

DEFAULT = "damlink-diagnostics.zip"


@click.command("diagnostics")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(DEFAULT),
    show_default=True,
    metavar="FILE",
    help="The file to write.",
)
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A log file; its last lines are included.",
)
@with_config
def command(output: Path, log: Path | None, config_path: Path | None) -> None:
    """Write a zip file for support: versions, settings, status, causes and runs, without secrets.

    Nothing is sent, and nothing is changed. Secrets, tokens, passwords, and titles and file names of assets
    are left out. Look into the file before you send it to anyone.
    """
    from damlink._run.diagnostics import MEMBERS, make_diagnostics
    from damlink._run.session import Session
    from damlink._system.private_files import FILE_MODE
    from damlink._system.whole_file import replacing

    with Session(load_config(config_path), keeps=False) as session:
        packed = make_diagnostics(session, log)
    if output.is_file():
        output.chmod(FILE_MODE)
    with replacing(output, FILE_MODE) as file:
        file.write(packed)
    echo(f"{output}: {len(MEMBERS)} files, {len(packed)} bytes; look into it before you send it", err=True)
