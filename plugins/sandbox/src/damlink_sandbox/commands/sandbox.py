"""`damlink sandbox`: a local portal with partners, to try things in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from damlink_sandbox.commands.config import write_sandbox_config
from damlink_sandbox.commands.output import CommandError, echo, print_json
from damlink_sandbox.media import from_folder
from damlink_sandbox.server import Sandbox, wait_for_signal
from damlink_sandbox.world import World


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
    help="Your own files as the partner's, instead of the sandbox's.",
)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where bytes are kept; else a temporary folder."
)
@click.option(
    "--write-config",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a damlink.toml for it into this folder.",
)
@click.option("--empty", is_flag=True, help="Start with an empty portal, without the assets of the partners.")
@click.option("--json", "json_", is_flag=True, help="JSON on stdout, and nothing else.")
def command(
    port: int,
    media: Path | None,
    folder: Path | None,
    write_config: Path | None,
    empty: bool,
    json_: bool,
) -> None:
    """Serve a Bynder portal and the installed partners on loopback, with real media, until Ctrl-C.

    It is strict where the real services are known to be strict, and it can be made to fail. What the
    partners' connectors work with is in place, such as tagged assets in the portal.
    """
    files = from_folder(media) if media else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with _listen(Sandbox(port=port, media=files, folder=folder)) as running:
        if not empty:
            running.furnish()
        if write_config:
            write_config.mkdir(parents=True, exist_ok=True)
            path = write_sandbox_config(write_config, running.parts.values())
            echo(f"config: {path}", err=True)
        _announce(running.world, json_=json_)
        wait_for_signal()


@contextlib.contextmanager
def _listen(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Start the sandbox.

    Raises:
        CommandError: one of its ports is taken.
    """
    with contextlib.ExitStack() as running:
        try:
            running.enter_context(sandbox)
        except OSError as error:
            hint = "end what listens there, or choose another with --port (0: free ones)"
            raise CommandError(f"the sandbox cannot listen: {error.strerror or error}; {hint}") from error
        yield sandbox


def _announce(world: World, *, json_: bool) -> None:
    if json_:
        print_json({"origins": world.origins})
        return
    for name, origin in world.origins.items():
        echo(f"{name:16} {origin}")
    echo(f"{len(world.media)} files at the partners; Ctrl-C ends it")
