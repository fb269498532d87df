"""`damlink sandbox`: a local world to try things in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from damlink._cli._options import as_json
from damlink._cli._output import echo
from damlink._cli._sandbox_extra import sandbox_module
from damlink.errors import ConfigError

if TYPE_CHECKING:
    from damlink_sandbox import Sandbox, World


@click.command("sandbox")
@click.option(
    "--port",
    type=click.IntRange(0, 65000),
    default=9000,
    show_default=True,
    help="The portal's port; the others follow. 0: free ones.",
)
@click.option(
    "--media",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Your own files as the partner's, instead of generated ones.",
)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where bytes are kept; else a temporary folder."
)
@click.option(
    "--write-config",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a damlink.toml for it into this folder.",
)
@as_json
def command(
    port: int, media: Path | None, folder: Path | None, write_config: Path | None, json_: bool
) -> None:
    """Serve a Bynder portal and the installed partners on loopback, with real media, until Ctrl-C.

    It is strict about what the real ones are known to be strict about, and it can be told to fail.
    """
    sandbox = sandbox_module()
    from damlink._cli._sandbox_config import write_sandbox_config

    files = sandbox.from_folder(media) if media else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with _listening(sandbox.Sandbox(port=port, media=files, folder=folder)) as running:
        if write_config:
            write_config.mkdir(parents=True, exist_ok=True)
            path = write_sandbox_config(write_config, running.parts.values())
            echo(f"config: {path}", err=True)
        _announce(running.world, json_=json_)
        sandbox.wait_for_signal()


@contextlib.contextmanager
def _listening(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Start the sandbox.

    Raises:
        ConfigError: its ports are taken.
    """
    with contextlib.ExitStack() as running:
        try:
            running.enter_context(sandbox)
        except OSError as error:
            hint = "end what listens there, or choose another with --port (0: free ones)"
            what = f"the sandbox cannot listen: {error.strerror or error}"
            raise ConfigError("", what, hint=hint) from error
        yield sandbox


def _announce(world: World, *, json_: bool) -> None:
    from damlink._cli._output import print_json

    if json_:
        print_json({"origins": world.origins})
        return
    for name, origin in world.origins.items():
        echo(f"{name:16} {origin}")
    echo(f"{len(world.media)} files at the partners; Ctrl-C ends it")
