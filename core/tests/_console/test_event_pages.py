"""Events on pages: what became of each, and one or a range once more."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from scripted_server import Server

from damlink._state.audit import Audit
from damlink._state.inbox import Inbox
from damlink._state.refusals import Refusals
from damlink._state.refused import RefusedMessages
from damlink._state.sealed import topic_name
from damlink._state.tables import inbox
from damlink._state.tables import topic as topic_table
from damlink._state.topics import Topics

HOSTILE = "<script>alert(1)</script>"


def verdicts(shown: Any) -> dict[int, str]:
    return {each["number"]: each["verdict"] for each in shown.json("/events?portal=brand")["events"]}


@pytest.fixture(autouse=True)
def _processed(shown: Any) -> None:
    """The first is processed, the second has failed, the third waits."""
    now = shown.session.database.now()
    done = {"finished_at": now, "had": '["shelf"]', "due_at": None, "attempts": 0, "last_error": ""}
    failed = {"finished_at": None, "had": "[]", "attempts": 2, "last_error": "no answer"}
    waiting = {"finished_at": None, "had": "[]", "attempts": 0, "last_error": "", "asset_id": ""}
    with shown.session.database.write() as connection:
        for number, values in enumerate((done, failed, waiting), start=1):
            connection.execute(sa.update(inbox).where(inbox.c.number == number).values(values))


def test_events_when_shown_say_what_became_of_each(shown: Any) -> None:
    assert verdicts(shown) == {
        3: "not processed yet",
        2: "failed 2 times: no answer",
        1: "processed by shelf",
    }


@pytest.mark.parametrize(
    ("form", "again"),
    [({"first": "1"}, {1}), ({"first": "1", "last": "2"}, {1, 2}), ({"first": "2", "last": ""}, {2})],
    ids=["one", "range", "one-by-an-empty-end"],
)
def test_events_when_replayed_are_processed_once_more(
    shown: Any, form: dict[str, str], again: set[int]
) -> None:
    before = verdicts(shown)
    answer = shown.post("/replay?portal=brand", **form)
    assert answer.headers["location"] == "/events?portal=brand"
    assert verdicts(shown) == before | dict.fromkeys(again, "not processed yet")
    assert Inbox(shown.session.database).open_count("brand") == 3 - (1 not in again)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"first": ""}, 400),
        ({"first": "-1"}, 400),
        ({"first": "9" * 16}, 400),
        ({"first": "77"}, 409),
        ({"first": "2", "last": "1"}, 409),
    ],
)
def test_events_when_asked_for_wrongly_stay(shown: Any, form: dict[str, str], status: int) -> None:
    before = verdicts(shown)
    assert shown.post("/replay?portal=brand", **form).status_code == status
    assert verdicts(shown) == before


def test_events_when_messages_were_refused_show_topic_reason_and_count(shown: Any) -> None:
    Refusals(shown.session.database).add("brand", "forged", HOSTILE, f"{HOSTILE} is wrong", HOSTILE, 3)
    RefusedMessages(shown.session.database).note("brand", HOSTILE, f"{HOSTILE} in the queue", "{}")
    page = shown.client.get("/events?portal=brand").text
    escaped = html.escape(HOSTILE)
    assert f"<td>3</td><td>{escaped}</td><td>{escaped}</td><td>{escaped} is wrong</td>" in page
    assert f"{escaped} in the queue" in page
    found = shown.json("/events?portal=brand")
    assert [each["outcome"] for each in found["refused"]] == ["forged"]
    assert "message" not in found["refused_in_queue"][0]


ARN = "arn:aws:sns:eu-west-1:111122223333:waiting"
CONFIRMED = b"<SubscriptionArn>arn:aws:sns:eu-west-1:111122223333:waiting:1</SubscriptionArn>"


@pytest.fixture
def topics(shown: Any, server: Server) -> Iterator[Topics]:
    """A topic that waits for its approval, with a request to confirm; the server is its SNS."""
    config, stored = shown.session.config.path, Topics(shown.session.database)
    before = config.read_text()
    config.write_text(before.replace("[portals.brand]", f'[portals.brand]\nevent_hosts = ["{server.host}"]'))
    stored.note("brand", ARN, shown.session.cipher.seal(b"token", topic_name("brand", ARN)))
    yield stored
    config.write_text(before)
    with shown.session.database.write() as connection:
        connection.execute(sa.delete(topic_table).where(topic_table.c.arn.in_([ARN, HOSTILE])))


def test_topic_when_approved_is_confirmed_and_noted(shown: Any, topics: Topics, server: Server) -> None:
    server.then(body=CONFIRMED)
    answer = shown.post("/events/approve?portal=brand", topic=ARN)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/events?portal=brand"
    (topic,) = (each for each in topics.listing("brand") if each.arn == ARN)
    assert (topic.state, topic.confirmed_at is not None) == ("approved", True)
    assert "Token=token" in server.asked[0].path
    (entry,) = Audit(shown.session.database).latest(1)
    assert (entry.action, entry.subject, entry.details) == (
        "events approve",
        "brand",
        f'{{"topic": "{ARN}"}}',
    )


def test_topic_when_it_cannot_be_confirmed_is_approved_noted_and_says_why(
    shown: Any, topics: Topics, server: Server
) -> None:
    server.then(503)
    answer = shown.post("/events/approve?portal=brand", topic=ARN)
    assert answer.status_code == 200
    assert "is approved, but not confirmed: 127.0.0.1 answered 503" in answer.text
    assert "keeps trying for two days" in answer.text
    assert topics.state("brand", ARN) == "approved"
    assert Audit(shown.session.database).latest(1)[0].action == "events approve"


def test_topic_when_its_token_is_damaged_is_approved_noted_and_says_why(shown: Any, topics: Topics) -> None:
    topics.note("brand", ARN, b"not sealed by us")
    answer = shown.post("/events/approve?portal=brand", topic=ARN)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert Audit(shown.session.database).latest(1)[0].action == "events approve"


def test_topic_when_its_name_is_hostile_is_shown_as_text_and_not_approved(shown: Any, topics: Topics) -> None:
    topics.note("brand", HOSTILE, None)
    assert html.escape(HOSTILE) in shown.client.get("/events?portal=brand").text
    answer = shown.post("/events/approve", portal="brand", topic=HOSTILE)
    assert answer.status_code == 400
    assert "topic is not the ARN of an SNS topic" in answer.text
    assert topics.state("brand", HOSTILE) == "pending"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"portal": "brand"}, 400),
        ({"portal": "brand", "topic": f"{ARN}-unknown"}, 409),
        ({"portal": HOSTILE, "topic": ARN}, 409),
    ],
)
def test_topic_when_none_has_sent_a_message_is_not_approved(
    shown: Any, topics: Topics, form: dict[str, str], status: int
) -> None:
    before = topics.listing("brand")
    assert shown.post("/events/approve", **form).status_code == status
    assert topics.listing("brand") == before


def explained(shown: Any, number: int) -> tuple[dict[str, list[tuple[str, object]]], dict[str, str]]:
    """The rules and the outcome of an event by connector."""
    found = shown.json(f"/event?portal=brand&number={number}")["connectors"]
    rules = {each["name"]: [(rule["text"], rule["holds"]) for rule in each["rules"]] for each in found}
    return rules, {each["name"]: each["outcome"] for each in found}


def name_asset(shown: Any, **values: object) -> None:
    with shown.session.database.write() as connection:
        connection.execute(sa.update(inbox).where(inbox.c.number == 3).values(asset_id="A-1", **values))


def test_event_when_it_names_no_asset_is_passed_to_no_connector(shown: Any) -> None:
    rules, outcomes = explained(shown, 3)
    assert set(rules) == {"stock", "shelf"}
    assert rules["stock"] == rules["shelf"] == [("the event names an asset", False)]
    assert set(outcomes.values()) == {"the event is not passed to it"}
    assert explained(shown, 1)[1]["shelf"] == "it has processed the event"


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"finished_at": None, "last_error": ""}, "it has not processed the event yet"),
        ({"finished_at": datetime.now(UTC), "last_error": HOSTILE}, "given up; the last error is above"),
        (
            {"finished_at": datetime.now(UTC), "last_error": ""},
            "it did not receive events when this one was processed",
        ),
        ({"finished_at": None, "had": '["stock"]'}, "it has processed the event"),
    ],
    ids=["open", "given-up", "finished", "processed"],
)
def test_event_when_shown_says_what_decides_for_each_connector(
    shown: Any, values: dict[str, object], outcome: str
) -> None:
    name_asset(shown, **values)
    rules, outcomes = explained(shown, 3)
    own = [("the event names an asset", True), ("the connector is enabled", True)]
    own += [("the connector belongs to the portal", True)]
    # The plugin of the one is not installed; that of the other has no `on_event`.
    assert rules["stock"] == [*own, ("its plugin receives events", None)]
    assert rules["shelf"] == [*own, ("its plugin receives events", False)]
    assert outcomes == {"stock": outcome, "shelf": "the event is not passed to it"}


def test_event_when_its_texts_are_hostile_shows_them_as_text(shown: Any) -> None:
    name_asset(shown, last_error=f"{HOSTILE} failed", attempts=1, had=f'["{HOSTILE} gone"]')
    page = shown.client.get("/event?portal=brand&number=3").text
    escaped = html.escape(HOSTILE)
    assert f"<td>{escaped}</td>" in page
    assert f"{escaped} failed" in page
    assert f"Processed as well by {escaped} gone" in page


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("portal=brand", 400),
        ("portal=brand&number=%3Cb%3E", 400),
        ("portal=brand&number=77", 404),
        ("portal=other&number=1", 404),
    ],
)
def test_event_when_there_is_none_is_an_error(shown: Any, query: str, status: int) -> None:
    assert shown.client.get(f"/event?{query}").status_code == status
