"""Events on pages: what became of each, and one or a range once more."""

from __future__ import annotations

import html
from typing import Any

import pytest
import sqlalchemy as sa

from damlink._state.inbox import Inbox
from damlink._state.refusals import Refusals
from damlink._state.refused import RefusedMessages
from damlink._state.tables import inbox

HOSTILE = "<script>alert(1)</script>"


def verdicts(shown: Any) -> dict[int, str]:
    return {each["number"]: each["verdict"] for each in shown.json("/events?portal=brand")["events"]}


@pytest.fixture(autouse=True)
def _processed(shown: Any) -> None:
    """The first is processed, the second has failed, the third waits."""
    now = shown.session.database.now()
    done = {"finished_at": now, "had": '["shelf"]', "due_at": None, "attempts": 0, "last_error": ""}
    failed = {"finished_at": None, "had": "[]", "attempts": 2, "last_error": "no answer"}
    waiting = {"finished_at": None, "had": "[]", "attempts": 0, "last_error": ""}
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
