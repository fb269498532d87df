"""A console over a connector that has run, and a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import attrs
import httpx
import pytest
from browser.chromium import LEFT_OUT, find_chromium, open_browser
from browser.hands import WAYS
from consoles import origin_of, run_console
from istock_site import istock_site
from ledger_rows import claim
from playwright.sync_api import Browser

from damlink._config.load import load
from damlink._console.server import Console
from damlink._model import SourceAsset
from damlink._run.saved_plan import save_plan
from damlink._run.session import Session
from damlink._serve.sent_event import USUAL_EVENT, make_event
from damlink._state.access import Access
from damlink._state.inbox import Inbox
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.users import Role, Users

UNCERTAIN = "the portal's answer to the save was lost: it may have arrived"
REJECTED = "the file is 0 bytes long; ask iStock for it"
LINK = re.compile(r'href="(/[^"]*)"')


@attrs.define
class Shown:
    """A console that runs, and the cookie of a session in it."""

    origin: str
    console: Console
    session: Session
    client: httpx.Client

    @property
    def cookies(self) -> list[dict[str, str]]:
        """The session, as the browser takes it."""
        own = self.client.cookies.items()
        return [{"name": name, "value": value, "url": self.origin} for name, value in own]

    def find_addresses(self) -> dict[str, str]:
        """Follow every link from the first page, and return one address of each page."""
        found, waiting = {}, ["/"]
        while waiting:
            address = waiting.pop()
            path = urlsplit(address).path
            if path not in found:
                found[path] = address
                text = self.client.get(address).text
                waiting += map(unescape, LINK.findall(text))
        return found


# Not longer than a module: meanwhile the thread has an event loop, and other tests want one of their own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if find_chromium() is None:
        pytest.skip(LEFT_OUT)
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def shown(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("shown")
    with istock_site(folder) as site, pytest.MonkeyPatch.context() as patch:
        for name, value in site.environment.items():
            patch.setenv(name, value)
        site.run("run")
        site.run("plan", "stock", "--save", "--full")
        with Session(load(folder / "damlink.toml")) as session:
            _leave_what_needs_a_person(session)
            Users(session.database).add("ann", Role.OPERATOR, None)
            Access(session.database).make_token("ann", "report", timedelta(days=90))
            yield from show_console(session)


def _leave_what_needs_a_person(session: Session) -> None:
    """Leave one uncertain and one rejected row for each way to decide."""
    items = [
        SourceAsset(f"9{number}", "v1", f"A harbour in the morning, {number}", raw={"kind": "image"})
        for number in range(8)
    ]
    with Lease(session.database, "stock") as lease:
        ledger = Ledger(session.database, "stock", lease.epoch)
        ledger.record(Listed(items), "all")
        for _ in WAYS:
            ledger.mark_uncertain(claim(ledger), UNCERTAIN)
            ledger.mark_rejected(claim(ledger), REJECTED)


def show_console(session: Session) -> Iterator[Shown]:
    """Run a console until the tests are done with it."""
    with run_console(session) as (console, address):
        origin = origin_of(address)
        with httpx.Client(base_url=origin, trust_env=False) as client:
            client.get(address)
            yield Shown(origin, console, session, client)


@pytest.fixture(scope="module")
def addresses(shown: Shown) -> dict[str, str]:
    """One address of each page, by its path: those that links lead to, and those that a form leads to."""
    return shown.find_addresses() | _follow_forms(shown)


def _follow_forms(shown: Shown) -> dict[str, str]:
    """Make a plan, and begin a change and a new connector; return their addresses."""
    forms = {
        "/draft": ("/switch", {"connector": "stock", "enabled": "no"}),
        "/setup": ("/begin", {"plugin": "istock", "title": "Another", "portal": "brand"}),
    }
    found = {
        path: shown.client.post(form, data=given, headers={"Origin": shown.origin}).headers["location"]
        for path, (form, given) in forms.items()
    }
    Inbox(shown.session.database).put(make_event("brand", "A-1", USUAL_EVENT))
    (event,) = Inbox(shown.session.database).latest("brand", limit=1)
    found["/event"] = f"/event?portal=brand&number={event.number}"
    return found | {"/plan": f"/plan?id={save_plan(shown.session, 'stock').id}"}
