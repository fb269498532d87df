"""The quick check of ordinary values lets nothing pass that the thorough one would change or refuse."""

from __future__ import annotations

import datetime
import json
from enum import IntEnum
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from damlink._system.json_record import JsonRecord, text_of
from damlink._system.keepable import (
    MAX_DEPTH,
    MAX_INTEGER_BITS,
    NotKeepableError,
    clean,
    plain_json,
    strict_json,
)


class Number(IntEnum):
    ONE = 1


class Text(str):
    __slots__ = ()


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return {"x": value}


def thorough(value: Any) -> str | None:
    """Return the text that the thorough check keeps; `None` if it refuses the value."""
    try:
        return json.dumps(strict_json(value, "raw"))
    except NotKeepableError:
        return None


ODD: dict[str, Any] = {
    "NUL": {"x": "a\0"},
    "NUL in a key": {"a\0": 1},
    "half a surrogate": {"x": ["\ud83d"]},
    "the other half": {"\ude00": 1},
    "no number": {"x": float("nan")},
    "no number as a key": {float("nan"): 1},
    "infinity": {"x": [float("-inf")]},
    "large number": {"x": 1 << MAX_INTEGER_BITS},
    "negative large number": {"x": -(1 << MAX_INTEGER_BITS)},
    "huge number": {"x": 10**5000},
    "deep": nested(MAX_DEPTH + 1),
    "very deep": nested(5000),
    "bytes": {"x": b"a"},
    "set": {"x": {1}},
    "datetime": {"x": datetime.datetime.min},
    "odd key": {(1,): 1},
    "object": {"x": object()},
}
ORDINARY: dict[str, Any] = {
    "nothing": {},
    "umlauts": {"ä": "ß"},
    "tuple": {"x": (1, 2)},
    "kinds of numbers": {"x": [1, 1.5, True, None, Number.ONE]},
    "text of another class": {"x": Text("a")},
    "keys that are no text": {5: 1, None: 2, True: 3},
    "many digits": {"x": str(10**300)},
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_plain_json_when_a_value_is_odd_leaves_it_to_the_thorough_check(value: Any) -> None:
    assert plain_json(value) is None


@pytest.mark.parametrize("value", ORDINARY.values(), ids=ORDINARY)
def test_plain_json_when_a_value_is_ordinary_is_what_the_thorough_check_keeps(value: Any) -> None:
    assert json.loads(plain_json(value) or "") == json.loads(json.dumps(strict_json(value, "raw")))


ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
LARGE = st.integers(2, 1200).map(lambda bits: 1 << bits)
HALVES = st.text(st.sampled_from("a\\u0d\ud83d\ude00\0\N{GRINNING FACE}"))
VALUES = st.recursive(
    ATOMS | LARGE | HALVES, lambda inner: st.lists(inner) | st.dictionaries(HALVES | st.text(), inner)
)


@hypothesis.given(value=st.dictionaries(st.text(), VALUES))
def test_plain_json_when_it_gives_a_text_is_what_the_thorough_check_keeps(value: Any) -> None:
    assert plain_json(value) in (None, thorough(value))


@hypothesis.given(text=HALVES | st.text(st.characters()))
def test_clean_when_a_text_is_clean_leaves_it(text: str) -> None:
    kept = clean(text)
    assert clean(kept) == kept
    assert (kept == text) == ("\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text))


def test_record_when_read_is_the_object_of_its_text() -> None:
    record = JsonRecord('{"a": [1]}')
    assert (record, dict(record), len(record), repr(record)) == ({"a": [1]}, {"a": [1]}, 1, "{'a': [1]}")
    assert (text_of(record), text_of({"a": (1,)})) == ('{"a": [1]}', '{"a": [1]}')
