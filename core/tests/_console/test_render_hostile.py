"""Every page of the console over a database whose texts are hostile: all of them stay text."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from console_addresses import ADDRESSES

from damlink._config.load import loads
from damlink._console.app import make_app
from damlink._console.roles import OPEN_PATHS
from damlink._console.sessions import Sessions
from damlink._run.session import Session
from damlink._state.access import Access
from damlink._state.audit import Audit
from damlink._state.tables import history, inbox, ledger, planned, refused, run

MARK = "zqx"
PAYLOADS = {
    "script": f"<script {MARK}>{MARK}()</script>",
    "attribute": f'"><img src=x onerror={MARK}()>',
    "quotes": f"' onfocus='{MARK}()' \" onfocus=\"{MARK}()\" `",
    "address": f"javascript:{MARK}()",
    "template": f"{MARK} {{{{7*142857}}}} {{% raw %}}",
    "controls": f"{MARK} \x01\x08\x1b[31mred\x1b[0m\x1b]8;;http://evil.example\x07\x7f\x9b",
    "bidi": f"{MARK} \u202egpj.exe\u2066\u200f",
    "surrogate": f"{MARK} \ud800 \udfff",
    "nul": f"{MARK} \x00 <\x00script>",
    "long": MARK + "x" * 100_000,
}
# The free texts that partners, portals, plugins and errors leave.
TEXTS = {
    ledger: ("title", "reason", "last_error", "last_requests"),
    history: ("cause",),
    inbox: ("subject", "last_error"),
    planned: ("title", "why"),
    refused: ("reason", "message"),
    run: ("error", "owner"),
}
# Streams, files and doors that answer with no page: tests of their own look at them.
NO_PAGES = {"/export", "/live", "/diagnostics.zip", "/preview", "/sign-in/go"}
# A page of one thing shows each text whole; lists shorten them.
MOST_CHARACTERS = 500_000
UNPRINTABLE = {chr(each) for each in range(32)} - {"\t", "\n", "\r"} | {"\x7f", "\x9b", "\u202e", "\u2066"}
UNOPENED = Session(loads("", Path("damlink.toml")))


class Elements(HTMLParser):
    """Parser that keeps each element with its attributes, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module", params=PAYLOADS)
def hostile(shown: Any, request: pytest.FixtureRequest) -> Any:
    """Store one payload in each free text."""
    text, database = PAYLOADS[request.param], shown.session.database
    now = datetime.now(UTC)
    kept = {"portal": "brand", "message_id": request.param, "first_at": now, "last_at": now, "times": 1}
    with database.write() as connection:
        connection.execute(sa.insert(refused).values(**kept, reason=text, message=text))
        begun = {"connector": "stock", "epoch": 1, "started_at": now, "finished_at": now, "exit_code": 1}
        connection.execute(sa.insert(run).values(**begun, owner=text, error=text))
        for table, names in TEXTS.items():
            connection.execute(sa.update(table).values(dict.fromkeys(names, text)))
    Access(database).make_token("known", text, None)
    Audit(database).note(text, text, text, {text: text})
    return shown


def test_addresses_when_a_page_is_new_must_have_it() -> None:
    pages = {each.path for each in make_app(UNOPENED, Sessions(UNOPENED)).routes if "GET" in each.methods}
    assert pages - set(OPEN_PATHS) == NO_PAGES | set(ADDRESSES)


@pytest.mark.parametrize("address", ADDRESSES.values())
def test_page_when_texts_are_hostile_has_no_markup_of_theirs(hostile: Any, address: str) -> None:
    answer = hostile.client.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert len(answer.text) < MOST_CHARACTERS
    page = Elements()
    page.feed(answer.text)
    page.close()
    for tag, attributes in page.found:
        assert MARK not in tag
        assert tag not in {"img", "style", "iframe"} or MARK not in str(attributes)
        assert tag != "script" or str(attributes["src"]).startswith("/htmx-")
        assert not [name for name in attributes if MARK in name or name.startswith("on") or name == "style"]
        ways = [str(attributes[name]) for name in ("href", "src", "action") if name in attributes]
        assert not [each for each in ways if not each.startswith(("/", "#", "https://")) or each[:2] == "//"]
    text = "".join(page.text)
    assert "999999" not in text
    assert not UNPRINTABLE.intersection(text)


@pytest.mark.parametrize("address", ADDRESSES.values())
def test_answer_when_texts_are_hostile_is_json(hostile: Any, address: str) -> None:
    answer = hostile.client.get(address, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    assert isinstance(answer.json(), dict)


def test_pages_when_texts_are_hostile_show_them(hostile: Any) -> None:
    for path in ("/asset", "/assets", "/plan", "/events", "/runs", "/activity", "/user"):
        assert MARK in hostile.client.get(ADDRESSES[path], headers={"Accept": "text/html"}).text, path
