"""A real Chromium without a screen, driven by Playwright, that notes whatever a page must not do."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

__all__ = ["LEFT_OUT", "REBOUND", "Watched", "axe_findings", "find_chromium", "open_browser", "watch"]

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LEFT_OUT: Final = "left out: the console in a real browser; it needs Chromium: apt-get install chromium"
PATIENCE_MILLISECONDS: Final = 60_000
# What the name server of an attacker does: its name leads to this machine.
REBOUND: Final = "rebound.example"
RULES_OF_NAMES: Final = (f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1",)
# There is no sandbox for root, and all pages are our own.
FLAGS: Final = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", *RULES_OF_NAMES)
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_REPORT: Final = """
    addEventListener('securitypolicyviolation', event => console.error(
        `violated ${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`))
"""


def find_chromium() -> str | None:
    """Return the path of a Chromium; `None` if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Start a Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        try:
            yield started
        finally:
            started.close()


@attrs.define
class Watched:
    """A window of the browser, and what was seen while it was used.

    Attributes:
        others: further origins that its pages lead to.
        complaints: violations of the policy, errors of scripts, and whatever else the browser complains of.
        foreign: requests that went elsewhere.
        sent: the bytes of each answer as they were transferred, headers included.
    """

    page: Page
    origin: str
    others: Sequence[str] = ()
    complaints: list[str] = attrs.field(factory=list)
    foreign: list[str] = attrs.field(factory=list)
    sent: list[int] = attrs.field(factory=list)

    def open(self, address: str) -> None:
        """Go to a page of the console."""
        self.page.goto(self.origin + address)

    def note(self, message: Any) -> None:
        """Keep a complaint of the browser; that an answer is no success is said by the answer."""
        if message.type in ("error", "warning") and "the server responded with a status" not in message.text:
            self.complaints.append(message.text)

    def look_at(self, url: str) -> None:
        """Keep a request that leaves the console."""
        known = (f"{origin}/" for origin in (self.origin, *self.others))
        if not url.startswith((*known, "data:")):
            self.foreign.append(url)


@contextlib.contextmanager
def watch(
    browser: Browser, origin: str, cookies: Any = None, *, others: Sequence[str] = (), **options: Any
) -> Iterator[Watched]:
    """Open a window, signed in by the cookies, and watch it; it must not have misbehaved at the end.

    Args:
        others: further origins that its pages lead to.
    """
    with contextlib.closing(browser.new_context(**options)) as context:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        context.add_cookies(cookies or [])
        watched = Watched(context.new_page(), origin, others)
        _listen(context, watched)
        yield watched
        assert (watched.complaints, watched.foreign) == ([], [])


def _listen(context: BrowserContext, watched: Watched) -> None:
    context.add_init_script(_REPORT)
    # Functions, since Playwright sets an attribute on what it is given.
    watched.page.on("console", lambda message: watched.note(message))
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    context.on("request", lambda request: watched.look_at(request.url))
    devtools: CDPSession = context.new_cdp_session(watched.page)
    devtools.send("Network.enable")
    devtools.on("Network.loadingFinished", lambda event: watched.sent.append(event["encodedDataLength"]))


def axe_findings(page: Page) -> list[str]:
    """Return what axe finds on the page, a line for each place."""
    results = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in results["violations"]
        for node in rule["nodes"]
    ]
