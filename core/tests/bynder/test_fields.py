from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damlink.bynder._fields import batches, bynder_names, fields, join_tags, text_of, uuid_of
from damlink.bynder.records.convert import moment

LONG = "0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ("a,b", "a,b"),
        (datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=UTC), "2024-05-06T07:08:09Z"),
        (datetime(2024, 5, 6, 7, 8, 9), "2024-05-06T07:08:09Z"),
        (datetime(2024, 5, 6, 7, tzinfo=timezone(timedelta(hours=2))), "2024-05-06T05:00:00Z"),
        (date(2024, 5, 6), "2024-05-06"),
        (["a", 1, True], "a,1,true"),
        ((), ""),
        ({"a": [1]}, '{"a": [1]}'),
    ],
    ids=repr,
)
def test_text_of_when_of_any_type_is_as_the_portal_reads_it(value: Any, expected: str) -> None:
    assert text_of(value) == expected


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.integers(-720, 720))
def test_text_of_when_a_moment_is_read_back_as_the_same_moment(local: datetime, minutes: int) -> None:
    aware = local.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment(text_of(aware)) == aware


def test_bynder_names_when_arguments_are_in_our_spelling_has_bynders() -> None:
    given = {"brand_id": "b", "date_created_to": None, "extra": None}
    assert bynder_names(given) == {"brandId": "b", "dateCreatedTo": None}


def test_fields_when_not_given_are_left_out_and_extras_win() -> None:
    assert fields({"a": None, "b": "", "c": 1}, {"c": 2, "d": None}) == {"b": "", "c": "2"}


@given(st.lists(st.text(alphabet="ab, \t,", max_size=6), max_size=6))
def test_joined_tags_when_split_again_hold_no_comma_and_none_twice(tags: list[str]) -> None:
    apart = join_tags(tags).split(",") if join_tags(tags) else []
    assert len(apart) == len(set(apart))
    assert all(tag and tag == " ".join(tag.split()) for tag in apart)
    assert join_tags(apart) == ",".join(apart)


@pytest.mark.parametrize(
    ("given_id", "expected"),
    [
        (LONG, "0c4d1e52-7a63-4b81-9f20-a1b2c3d4e5f6"),
        ("0c4d1e52-7a63-4b81-9f20-a1b2c3d4e5f6", "0c4d1e52-7a63-4b81-9f20-a1b2c3d4e5f6"),
        ("Other", "Other"),
    ],
)
def test_uuid_of_when_in_either_form_is_the_newer_one(given_id: str, expected: str) -> None:
    assert uuid_of(given_id) == expected


def test_batches_when_there_are_many_ids_fit_an_address_and_lose_none() -> None:
    every = [f"{number:032x}-xxx" for number in range(250)]
    lots = list(batches([*every, every[0]]))
    assert [each for lot in lots for each in lot] == every
    assert all(len(urlencode({"ids": ",".join(lot)})) < 4500 for lot in lots)
    assert list(batches("one")) == [["one"]]
    assert json.dumps(list(batches([]))) == "[]"
