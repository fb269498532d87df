"""Forms of a portal's events, at the wire against a portal of few words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_server import Asked, Reply, Server

from damlink._state.audit import Audit
from damlink._state.inbox import Inbox

WEBHOOK = {"configId": "1", "name": "Damlink", "endpoint": {"protocol": "https", "endpoint": ""}}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def portal(shown: Any, server: Server) -> Iterator[Server]:
    """The portal of the console, and an event address that nothing listens at."""
    before = shown.session.config.path.read_text()
    text = before.replace("http://127.0.0.1:9", server.url)
    shown.session.config.path.write_text(f'[serve]\npublic_url = "http://127.0.0.1:9"\n{text}')
    yield server
    shown.session.config.path.write_text(before)


def event_token(shown: Any) -> str:
    token = shown.session.secrets.get("events.brand")
    assert token
    return str(token)


def subscribe(shown: Any) -> Any:
    answer = shown.post("/events/subscribe", portal="brand")
    assert event_token(shown) not in answer.text
    return answer


@pytest.mark.parametrize("status", [403, 404])
def test_subscribe_when_the_portal_allows_none_leads_to_the_command_without_the_address(
    shown: Any, portal: Server, status: int
) -> None:
    portal.serve(lambda _asked: Reply(status, b"{}", JSON))
    answer = subscribe(shown)
    assert answer.status_code == 200
    assert f"the portal does not allow subscriptions ({status})" in answer.text
    assert "damlink events subscribe brand" in answer.text
    assert "should run before a portal subscribes" in answer.text
    entry = Audit(shown.session.database).latest(1)[0]
    assert (entry.action, entry.subject) == ("events subscribe", "brand")
    assert event_token(shown) not in json.dumps(entry.details)


def test_subscribe_when_the_portal_repeats_the_address_in_its_error_shows_none_of_it(
    shown: Any, portal: Server
) -> None:
    def refuse(asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(200, b"[]", JSON)
        return Reply(400, b'{"message": "not an address: %s"}' % asked.body, JSON)

    portal.serve(refuse)
    answer = subscribe(shown)
    assert answer.status_code == 503
    assert "not an address" in answer.text


def test_subscribe_when_there_is_no_public_address_says_what_to_set(shown: Any) -> None:
    path = shown.session.config.path
    before = path.read_text()
    path.write_text(before.replace("http://127.0.0.1:9", "https://brand.bynder.com"))
    try:
        answer = shown.post("/events/subscribe", portal="brand")
    finally:
        path.write_text(before)
    assert answer.status_code == 409
    assert "set [serve] public_url" in answer.text


def test_event_when_sent_is_in_the_inbox_and_in_the_log(shown: Any) -> None:
    form = {"asset": " A-1 ", "event": "asset_bank.media.archived"}
    answer = shown.post("/events/send?portal=brand", **form)
    assert answer.headers["location"] == "/events?portal=brand"
    (newest,) = Inbox(shown.session.database).latest("brand", limit=1)
    assert (newest.subject, newest.asset_id) == ("asset_bank.media.archived", "A-1")
    assert Audit(shown.session.database).latest(1)[0].action == "events send"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"event": "asset_bank.media.archived"}, "asset is the id"),
        ({"asset": " ", "event": "asset_bank.media.archived"}, "asset is the id"),
        ({"asset": "a" * 201, "event": "asset_bank.media.archived"}, "asset is the id"),
        ({"asset": "a\nb", "event": "asset_bank.media.archived"}, "asset is the id"),
        ({"asset": "A-1"}, "event is one of"),
        ({"asset": "A-1", "event": "<script>alert(1)</script>"}, "event is one of"),
    ],
)
def test_event_when_its_fields_are_wrong_is_not_sent(shown: Any, form: dict[str, str], said: str) -> None:
    before = Inbox(shown.session.database).latest("brand", limit=50)
    answer = shown.post("/events/send?portal=brand", **form)
    assert (answer.status_code, said in answer.text) == (400, True)
    assert Inbox(shown.session.database).latest("brand", limit=50) == before
