"""A real Chromium without a screen, driven by its DevTools protocol: just enough to click as a person does.

Source: chromedevtools.github.io, "Chrome DevTools Protocol": Page, Runtime, Input, Target.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
from websockets.sync.client import ClientConnection, connect

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_SECONDS: Final = 60.0
FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",  # there is none for root, and all pages are our own
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-port=0",
)


def installed() -> str | None:
    """The path of a Chromium; `None` if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page of the browser."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    def open(self, url: str) -> None:
        """Go to an address."""
        self._send("Page.navigate", url=url)

    def text(self) -> str:
        """What the page shows."""
        return str(self._value("document.body ? document.body.innerText : ''"))

    def wait_for(self, words: str) -> None:
        """Wait until the page shows these words."""
        until(lambda: words in self.text(), f"the page never said {words!r}")

    def click(self, words: str) -> None:
        """Scroll to the button with these words, and press the mouse in its middle."""
        button = f"[...document.querySelectorAll('button')].find(each => each.innerText === {words!r})"
        self._value(f"{button}.scrollIntoView()")
        box = self._value(f"JSON.stringify({button}.getBoundingClientRect())")
        where = json.loads(box)
        spot = {"x": where["x"] + where["width"] / 2, "y": where["y"] + where["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self._send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **spot)

    def _value(self, expression: str) -> Any:
        return self._send("Runtime.evaluate", expression=expression)["result"].get("value")

    def _send(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._connection.recv(timeout=PATIENCE_SECONDS))
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                return answer["result"]


@contextlib.contextmanager
def browser(path: str, folder: Path) -> Iterator[Page]:
    """Start a Chromium with a profile of its own in a folder; its first page."""
    with subprocess.Popen(
        [path, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            with connect(_address(folder / "DevToolsActivePort")) as connection:
                yield Page(connection)
        finally:
            process.terminate()


def _address(told: Path) -> str:
    """Where its first page listens: the port is in a file; which pages there are, it says over HTTP."""
    until(lambda: told.exists() and "\n" in told.read_text(), "Chromium did not start")
    port = told.read_text().splitlines()[0]
    until(lambda: bool(_pages(port)), "Chromium has no page")
    return str(_pages(port)[0]["webSocketDebuggerUrl"])


def _pages(port: str) -> list[dict[str, Any]]:
    with contextlib.suppress(httpx.TransportError):
        targets = httpx.get(f"http://127.0.0.1:{port}/json/list").json()
        return [target for target in targets if target["type"] == "page"]
    return []


def until(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it never did.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.05)
