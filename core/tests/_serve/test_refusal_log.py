"""Refused messages at an address are shown, and a flood of them is written seldom."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from damlink._serve.refusal_log import RefusalLog
from damlink._state.database import Database
from damlink._state.refusals import MOST_TOPICS, Refusals
from damlink._state.tables import refusal

FOREIGN = "arn:aws:sns:eu-west-1:999988887777:foreign"


def newest(served: Any) -> Any:
    return Refusals(served.session.database).latest("brand", 1)[0]


def test_refusal_when_the_topic_is_not_approved_names_topic_message_and_reason(served: Any, sns: Any) -> None:
    served.post(sns.signed(sns.fields(TopicArn=FOREIGN, MessageId="m-1", Subject="<b>picture</b>")))
    found = newest(served)
    assert (found.outcome, found.topic) == ("pending", FOREIGN)
    assert found.last_message == "Notification m-1 <b>picture</b>"
    assert found.reason.startswith(f"the topic {FOREIGN} is not approved")


@pytest.mark.parametrize(
    ("body", "headers", "outcome"),
    [
        (b"<xml/>", {}, "malformed"),
        (b"{}", {"x_amz_sns_rawdelivery": "true"}, "raw"),
    ],
    ids=["malformed", "raw"],
)
def test_refusal_when_the_message_has_no_envelope_names_the_reason(
    served: Any, body: bytes, headers: dict[str, str], outcome: str
) -> None:
    served.post(body, **headers)
    found = newest(served)
    assert (found.outcome, found.topic, found.last_message) == (outcome, "", "")
    assert found.reason


def test_refusal_when_forged_keeps_no_token(served: Any, sns: Any) -> None:
    envelope = {**sns.envelope("SubscriptionConfirmation"), "Signature": "AAAA"}
    served.post(envelope)
    found = newest(served)
    assert found.outcome == "forged"
    assert envelope["Token"] not in repr(found)


def test_message_when_sent_to_a_wrong_address_leaves_no_row(served: Any) -> None:
    before = Refusals(served.session.database).latest("brand", 1000)
    served.post(b"<xml/>", "/events/brand/wrong")
    assert Refusals(served.session.database).latest("brand", 1000) == before


def test_accepted_message_leaves_no_row(served: Any, sns: Any) -> None:
    before = Refusals(served.session.database).latest("brand", 1000)
    assert served.post(sns.envelope()).status_code == 200
    assert Refusals(served.session.database).latest("brand", 1000) == before


def writes_of(database: Database, messages: list[bytes]) -> int:
    """Note refused messages; return the number of transactions that changed the table."""
    writes: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        if statement.startswith("INSERT INTO refusal"):
            writes.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", count)
    log = RefusalLog(Refusals(database))
    for each in messages:
        log.note("brand", "forged", "no signature", each)
    sa.event.remove(database.engine, "before_cursor_execute", count)
    return len(writes)


def test_flood_of_one_kind_is_written_seldom(database: Database) -> None:
    assert 1 <= writes_of(database, [b"<xml/>"] * 5000) <= 14
    (found,) = Refusals(database).latest("brand", 9)
    assert 2500 <= found.times <= 5000


def test_flood_of_very_many_topics_leaves_few_rows(database: Database, sns: Any) -> None:
    topics = (f"arn:aws:sns:eu-west-1:999988887777:t{number}" for number in range(300))
    writes_of(database, [json.dumps(sns.envelope() | {"TopicArn": each}).encode() for each in topics])
    with database.read() as connection:
        rows = connection.execute(sa.select(sa.func.count()).select_from(refusal)).scalar()
    assert rows == MOST_TOPICS + 1
