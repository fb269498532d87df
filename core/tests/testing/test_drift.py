"""The fields of answers that changed are named; what cannot be known is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from damlink.testing.drift import compare
from damlink.testing.recording import Answer, Exchange


def exchanges(*values: Any, url: str = "https://larkspur.example/a/1") -> list[Exchange]:
    return [Exchange("GET", url, Answer(200, {}, json.dumps(value))) for value in values]


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        ({"a": 1}, {"a": 2.5}, []),
        ({"a": 1}, {"a": "1"}, [("a", "type", "was number, is text")]),
        ({"a": 1}, {"a": None}, [("a", "type", "was number, is null")]),
        ({"a": None}, {"a": 1}, []),
        ({"a": [{"b": 1}]}, {"a": []}, []),
        ({"a": []}, {"a": [{"b": 1}]}, []),
        ({"a": [{"b": 1}]}, {"a": [{"c": 1}]}, [("a[].b", "gone", "was number"), ("a[].c", "new", "number")]),
        ({"a": {"b": 1}}, {"a": "b"}, [("a", "type", "was object, is text")]),
        ([{"a": 1}], {"a": 1}, [("", "type", "was list, is object")]),
    ],
    ids=["number", "type", "null", "was-null", "emptied", "filled", "renamed", "flattened", "whole"],
)
def test_compare_when_a_field_changed_names_it(
    before: Any, now: Any, found: list[tuple[str, str, str]]
) -> None:
    changes = compare(exchanges(before), exchanges(now))
    assert [(each.field, each.kind, each.detail) for each in changes] == found


def test_compare_when_a_field_is_in_some_answers_only_takes_them_together() -> None:
    assert compare(exchanges({"a": 1}, {"a": 1, "b": 1}), exchanges({"a": 1, "b": 2}, {"a": 1})) == []


def test_compare_when_ids_differ_finds_the_same_request() -> None:
    other = exchanges({"b": 1}, url="https://larkspur.example/a/27")
    assert [each.request for each in compare(exchanges({"a": 1}), other)] == ["GET /a/{}"] * 2
