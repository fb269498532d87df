from __future__ import annotations

import gc
import json
import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damlink._sns.envelope import Envelope, MalformedError, parse, parse_topic

CONFIRMATIONS: Final = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
UNSIGNED: Final = {"SignatureVersion": "1", "Signature": "", "SigningCertURL": ""}

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))
signed = st.fixed_dictionaries(
    {
        "Type": st.sampled_from(["Notification", *CONFIRMATIONS]),
        "MessageId": texts.filter(bool),
        "TopicArn": st.just("arn:aws:sns:us-gov-west-1:111122223333:portal"),
        "Message": texts,
        "Timestamp": moments.map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z"),
        "Token": texts,
        "SubscribeURL": texts,
    },
    optional={"Subject": texts},
)
documents = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def read(fields: Any) -> Envelope:
    return parse(json.dumps(fields).encode())


def test_parse_when_it_is_a_notification_reads_it(fields: dict[str, str]) -> None:
    envelope = read(fields)
    assert (envelope.kind, envelope.message_id) == ("Notification", fields["MessageId"])
    assert (envelope.subject, envelope.message) == (fields["Subject"], fields["Message"])
    assert envelope.timestamp == datetime(2026, 11, 21, 9, 15, 2, 417000, UTC)
    assert (envelope.topic.region, envelope.topic.account) == ("eu-west-1", "111122223333")
    assert envelope.token == ""


def test_canonical_when_it_is_the_guides_example_has_its_order(fields: dict[str, str]) -> None:
    assert read(fields).canonical().decode() == (
        "Message\n" + fields["Message"] + "\nMessageId\n6f0c1d3e-1b52-5c2a-9a54-0d2b6a7e7711\n"
        "Subject\nasset_bank.media.meta_updated\nTimestamp\n2026-11-21T09:15:02.417Z\n"
        f"TopicArn\n{fields['TopicArn']}\nType\nNotification\n"
    )


@given(signed)
@settings(max_examples=80)
def test_canonical_when_read_from_json_is_what_the_fields_say(drawn: dict[str, str]) -> None:
    if drawn["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    expected = "".join(f"{name}\n{drawn[name]}\n" for name in names if name in drawn)
    for ascii_only in (True, False):
        body = json.dumps({**drawn, **UNSIGNED}, ensure_ascii=ascii_only, indent=1).encode()
        assert parse(body).canonical() == expected.encode()


@given(st.binary(max_size=300) | documents.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=150)
def test_parse_when_it_is_anything_else_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(body)


@given(st.sampled_from(["Type", "MessageId", "TopicArn", "Message", "Timestamp", "Signature"]), documents)
@settings(max_examples=80)
def test_parse_when_a_field_is_no_text_is_malformed(name: str, value: Any) -> None:
    good = {
        "Type": "Notification",
        "MessageId": "1",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:portal",
        "Message": "",
        "Timestamp": "2026-11-21T09:15:02Z",
        **UNSIGNED,
    }
    assert read(good).message == ""
    if not isinstance(value, str):
        with pytest.raises(MalformedError):
            read({**good, name: value})


HOSTILE: Final = {
    "quotes": '"',
    "escaped quotes": '\\"',
    "opening a text, escaped": '"\\',
    "backslashes in a text": "\\\\",
    "lists": "[],",
    "objects": "{},",
    "deep": "[",
    "digits": "9",
    "fraction": "0.1",
    "numbers": "1,",
    "exponents": "1e1",
    "half surrogates": "\\ud800",
    "astral": "\U0001f600",
    "keys of their own": '"aa":"bb",',
    "spaces": " ",
    "escapes": "\\u0041",
    "keys": '"a":1,',
    "colons": ":",
    "brackets in a text": '[{"]}',
}


def seconds_to_refuse(body: bytes) -> float:
    """The least time of the processor that it took of a few times."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        with pytest.raises(MalformedError):
            parse(body)
        took.append(time.thread_time() - began)
    return min(took)


@pytest.mark.parametrize(
    "place",
    ["{}", '"{}', '{{"Type": "{}', "[{}", '{{"a": {}'],
    ids=["bare", "text", "field", "list", "object"],
)
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_parse_when_hostile_takes_time_in_proportion_to_its_size(unit: str, place: str) -> None:
    body = place.format(unit * 400_000).encode()
    small, large = (seconds_to_refuse(body[:size]) for size in (60_000, 960_000))
    assert large < 60 * max(small, 0.001)


def bytes_to_refuse(body: bytes) -> int:
    """The most memory that it took, beyond the body itself."""
    gc.collect()
    tracemalloc.start()
    with pytest.raises(MalformedError):
        parse(body)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("place", ["{}", '{{"Type": "{}', "[{}"], ids=["bare", "field", "list"])
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_parse_when_hostile_takes_memory_in_proportion_to_its_size(unit: str, place: str) -> None:
    body = place.format(unit * 1_048_576).encode()[: 1_048_576 - 8]
    assert bytes_to_refuse(body) < 12 * len(body)
    assert bytes_to_refuse(body[: len(body) // 2]) < 12 * len(body) // 2 + 4_000_000


@given(st.text(st.sampled_from('"\\[]{}:,u0a \n\u00e9'), max_size=3000))
@settings(max_examples=200)
def test_parse_when_it_is_a_jumble_of_json_is_malformed(jumble: str) -> None:
    with pytest.raises(MalformedError):
        parse(jumble.encode())


def test_parse_when_it_has_many_small_parts_takes_little_memory(fields: dict[str, str]) -> None:
    parts = ", ".join(f'"{number:x}": "b"' for number in range(60_000))
    assert bytes_to_refuse(f'{json.dumps(fields)[:-1]}, "x": {{{parts}}}}}'.encode()) < 6_000_000


@pytest.mark.parametrize("depth", [9, 1000, 500_000])
def test_parse_when_nested_deeply_is_malformed(fields: dict[str, str], depth: int) -> None:
    body = json.dumps(fields)[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"
    with pytest.raises(MalformedError):
        parse(body.encode())


def test_parse_when_brackets_stand_in_texts_counts_them_not(fields: dict[str, str]) -> None:
    message = '[{"\\' * 1000
    attributes = {"kind": {"Type": "String", "Value": "x"}}
    assert read({**fields, "Message": message, "MessageAttributes": attributes}).message == message


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sns:eu-west-1:111122223333:a",
        "arn:aws-cn:sns:cn-north-1:111122223333:a_b-C",
        "arn:aws-us-gov:sns:us-gov-west-1:111122223333:a",
        "arn:aws:sns:ap-southeast-2:111122223333:orders.fifo",
    ],
)
def test_topic_when_it_is_an_arn_is_taken_apart(arn: str) -> None:
    assert parse_topic(arn).region == arn.split(":")[3]


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws:sqs:eu-west-1:111122223333:a",
        "arn:aws:sns:s3-us-west-2:111122223333:a",
        "arn:aws:sns:EU-WEST-1:111122223333:a",
        "arn:aws:sns:eu-west-1.evil.example/:111122223333:a",
        "arn:aws:sns:eu-west-1:1111:a",
        "arn:aws:sns:eu-west-1:111122223333:a b",
        "arn:aws:sns:eu-west-1:111122223333:a\n",
    ],
)
def test_topic_when_it_is_none_is_malformed(arn: str) -> None:
    with pytest.raises(MalformedError):
        parse_topic(arn)
