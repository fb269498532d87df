"""The second act of the demo: `damlink serve` runs, and something comes of what happens in the portal."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from damlink._cli._output import echo, echo_text
from damlink._cli._sandbox_config import PORTAL

if TYPE_CHECKING:
    from damlink_sandbox import Finding, Sandbox

__all__ = ["free_address", "is_free", "scenes_played"]

PATIENCE_SECONDS: Final = 60.0
LOOK_EVERY_SECONDS: Final = 0.1
END_SECONDS: Final = 30.0
PORTS: Final = range(20_000, 30_000)  # below those that the system gives out by itself
EVENT_PAUSE: Final = "2s"  # what Bynder advises at least

T = TypeVar("T")


def free_address() -> dict[str, Any]:
    """A table `[serve]` for a port of this machine that nobody listens on."""
    port = next(filter(is_free, iter(lambda: random.choice(PORTS), None)))  # noqa: S311 - no secret
    return {"port": port, "public_url": f"http://127.0.0.1:{port}", "event_pause": EVENT_PAUSE}


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def scenes_played(running: Sandbox, config: Path) -> Iterator[tuple[Finding | None, float]]:
    """Play each part's scenes while `damlink serve` runs.

    Yields:
        What came of each (`None`: nothing), and after how many seconds.
    """
    with _serving(config):
        echo(f"$ damlink events subscribe {PORTAL}")
        _damlink(config, "events", "subscribe", PORTAL)
        _awaited(
            lambda: any(each["confirmed"] for each in running.part("sns").state()["subscriptions"]) or None
        )
        for part in running.parts.values():
            for scene in getattr(part, "scenes", lambda _parts: ())(running.parts):
                echo_text(f"\n{scene.title}:")
                began = time.monotonic()
                scene.play()
                yield _awaited(scene.seen), time.monotonic() - began


@contextlib.contextmanager
def _serving(config: Path) -> Iterator[None]:
    """`damlink serve` in a process of its own; it is ended as whoever stops services ends it."""
    echo_text("\n$ damlink serve &")
    log = config.parent / "serve.log"
    with log.open("wb") as out:
        child = subprocess.Popen(_command(config, "serve"), stdout=out, stderr=out)  # noqa: S603
    try:
        _awaited(lambda: True if "listening on" in log.read_text("utf-8") else None)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        code = child.wait(END_SECONDS)
        if code:
            echo_text(log.read_text("utf-8"), err=True)


def _damlink(config: Path, *arguments: str) -> None:
    subprocess.run(  # noqa: S603 - our own command line
        _command(config, *arguments), check=True
    )


def _command(config: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "damlink", "--config", str(config), *arguments]


def _awaited(look: Callable[[], T | None]) -> T | None:
    """What there is to see in the end; `None` if nothing is in all that time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_SECONDS)
    return found
