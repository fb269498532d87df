"""A signed message that was changed on its way: whatever the change, only what was signed is stored."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damlink._serve.receiver import Answer, Endpoint, EventReceiver, endpoints_of
from damlink._sns.envelope import parse
from damlink._sns.verify import Certificates
from damlink._state.inbox import Inbox

FIELDS: Final = (
    *("Type", "MessageId", "TopicArn", "Message", "Timestamp", "Subject", "Token", "SubscribeURL"),
    *("SignatureVersion", "Signature", "SigningCertURL", "MessageAttributes", "x"),
)
VALUES: Final = (
    *('""', '"x"', "null", "true", "0", "-0.0", "1e999", "NaN", "[]", "{}", "9" * 5000, '"\\ud800"'),
    *(
        '"\\u0000"',
        '"\\udc00\\ud800"',
        '"\ufeff"',
        '"' + "x" * 5000 + '"',
        "[" * 9 + "]" * 9,
        '{"a":1,"a":1}',
    ),
    *('"Notification"', '"SubscriptionConfirmation"', '"1"', '"2"', '"https://127.0.0.1/"', "'x'", "", '"'),
)
edits = st.lists(
    st.tuples(
        st.integers(0, 2000),
        st.integers(0, 6),
        st.text(st.sampled_from('"\\{}[]:,ux0aA \n\x00\ud800é'), max_size=4),
    ),
    min_size=1,
    max_size=4,
)
fields = st.tuples(st.sampled_from(FIELDS), st.sampled_from(VALUES), st.booleans())


def edited(body: str, changes: list[tuple[int, int, str]]) -> bytes:
    for place, removed, added in changes:
        at = place % len(body)
        body = body[:at] + added + body[at + removed :]
    return body.encode("utf-8", "surrogatepass")


def with_field(body: str, name: str, value: str, *, is_first: bool) -> bytes:
    """The message with one more field, before or behind its own of the same name."""
    pair, inner = f'"{name}": {value}', body.strip()[1:-1]
    return f"{{{', '.join([pair, inner] if is_first else [inner, pair])}}}".encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def receiver(served: Any) -> EventReceiver:
    return EventReceiver(endpoints_of(served.session, Certificates()), Inbox(served.session.database))


@pytest.fixture(scope="module")
def signed(sns: Any) -> str:
    return json.dumps(sns.envelope())


def is_as_signed(body: bytes, signed: str) -> bool:
    return parse(body).signed == parse(signed.encode()).signed


def check(answer: Answer, body: bytes, signed: str) -> None:
    """Accept only what was signed; refuse the rest, for good."""
    assert answer.status in (200, 400, 403)
    assert answer.status != 200 or is_as_signed(body, signed)


def endpoint_of(receiver: EventReceiver) -> Endpoint:
    return receiver.endpoints["brand"]


@given(changes=edits)
@settings(max_examples=300)
def test_message_when_its_bytes_are_changed_is_stored_only_as_signed(
    receiver: EventReceiver, signed: str, changes: list[tuple[int, int, str]]
) -> None:
    body = edited(signed, changes)
    check(receiver.receive(endpoint_of(receiver), {}, body), body, signed)


@given(field=fields)
@settings(max_examples=200)
def test_message_when_a_field_is_added_is_stored_only_as_signed(
    receiver: EventReceiver, signed: str, field: tuple[str, str, bool]
) -> None:
    name, value, is_first = field
    body = with_field(signed, name, value, is_first=is_first)
    check(receiver.receive(endpoint_of(receiver), {}, body), body, signed)
