"""A console that listens on loopback, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from queue import Queue

import httpx

from damlink._console.server import Console
from damlink._run.session import Session

__all__ = ["origin_of", "run_console"]


@contextlib.contextmanager
def run_console(session: Session) -> Iterator[tuple[Console, httpx.URL]]:
    """Run a console in a thread; yield it with the address that lets one browser in."""
    addresses: Queue[str] = Queue()
    console = Console(session, on_listening=addresses.put)
    thread = threading.Thread(target=console.run, args=("127.0.0.1", 0))
    thread.start()
    try:
        yield console, httpx.URL(addresses.get(timeout=60))
    finally:
        console.stop()
        thread.join(60)


def origin_of(address: httpx.URL) -> str:
    """Return the origin of a console's address."""
    return f"http://{address.netloc.decode()}"
