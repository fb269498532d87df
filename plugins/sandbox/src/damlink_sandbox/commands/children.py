"""The command line `damlink` in processes of its own, as a person would use it."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from damlink_sandbox.commands.output import echo, echo_text

__all__ = ["Run", "call", "free_address", "is_free", "run", "serve", "wait_for"]

TIMEOUT_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.1
STOP_TIMEOUT_SECONDS: Final = 30.0
# Below the ports that the system assigns.
PORTS: Final = range(20_000, 30_000)
# The shortest that Bynder recommends.
EVENT_PAUSE: Final = "2s"

T = TypeVar("T")


@attrs.frozen
class Run:
    """Result of one `damlink run`."""

    exit_code: int
    reports: Sequence[Any]

    @property
    def pushed(self) -> int:
        """Number of assets that the run has carried."""
        return sum(report.get("outcomes", {}).get("pushed", 0) for report in self.reports)


def run(config: Path, *, full: bool = False, note: str = "") -> Run:
    """Run every connector once and wait for the end."""
    option = ["--full"] if full else []
    echo(f"$ damlink run{' --full' if full else ''}{note}")
    ended = subprocess.run(
        _command_line(config, "run", "--json", *option), stdout=subprocess.PIPE, check=False
    )
    try:
        return Run(ended.returncode, json.loads(ended.stdout))
    except ValueError:
        return Run(ended.returncode or 1, [])


def call(config: Path, *arguments: str) -> None:
    """Run one command.

    Raises:
        subprocess.CalledProcessError: it fails.
    """
    echo(f"$ damlink {' '.join(arguments)}")
    subprocess.run(_command_line(config, *arguments), check=True)


@contextlib.contextmanager
def serve(config: Path) -> Iterator[None]:
    """Run `damlink serve` meanwhile, and end it with SIGTERM."""
    echo_text("\n$ damlink serve &")
    log = config.parent / "serve.log"
    with log.open("wb") as out:
        child = subprocess.Popen(_command_line(config, "serve"), stdout=out, stderr=out)
    try:
        wait_for(lambda: True if "listening on" in log.read_text("utf-8") else None)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        if child.wait(STOP_TIMEOUT_SECONDS):
            echo_text(log.read_text("utf-8"), err=True)


def wait_for(look: Callable[[], T | None]) -> T | None:
    """Call a function until it returns something; return `None` after `TIMEOUT_SECONDS`."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found


def free_address() -> dict[str, Any]:
    """Return a table `[serve]` with a free port of this machine."""
    port = next(filter(is_free, iter(lambda: random.choice(PORTS), None)))
    return {"port": port, "public_url": f"http://127.0.0.1:{port}", "event_pause": EVENT_PAUSE}


def is_free(port: int) -> bool:
    """Return whether a port of this machine is free."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _command_line(config: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "damlink", "--config", str(config), *arguments]
