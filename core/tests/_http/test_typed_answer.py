"""The JSON of an answer becomes types at the border, and an error names the field."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from scripted_server import Server

from damlink import Client, read_as
from damlink.errors import TransientError


@attrs.frozen
class Size:
    width: int
    height: int | None = None


@attrs.frozen
class Item:
    id: str
    changed: str | None = attrs.field(default=None, metadata={"json": "changedAt"})
    sizes: tuple[Size, ...] = ()
    words: list[str] = attrs.field(factory=list)
    deleted: bool = False
    price: float | None = None
    day: date | None = None
    moment: datetime | None = None
    more: dict[str, Any] = attrs.field(factory=dict)
    any: Any = None


@attrs.frozen
class Even:
    number: int = attrs.field()

    @number.validator
    def _check(self, _field: Any, value: int) -> None:
        if value % 2:
            raise ValueError("it is odd")


def answer(server: Server, partner: Client, body: Any) -> Any:
    server.then(200, body if isinstance(body, bytes) else json.dumps(body).encode())
    return partner.get("/items")


ITEM = Item(
    "7",
    "now",
    (Size(3), Size(4, 5)),
    ["a"],
    True,
    2.0,
    date(2026, 1, 31),
    datetime(2026, 1, 31, 12, tzinfo=UTC),
    {"a": [1]},
    [{}],
)
JSON = {
    "id": 7,
    "changedAt": "now",
    "sizes": [{"width": 3}, {"width": 4.0, "height": 5, "unknown": {}}],
    "words": ["a"],
    "deleted": True,
    "price": 2,
    "day": "2026-01-31",
    "moment": "2026-01-31T12:00:00Z",
    "more": {"a": [1]},
    "any": [{}],
}


@pytest.mark.parametrize(
    ("body", "kind", "field", "wanted"),
    [
        (JSON, Item, (), ITEM),
        ([{"id": "a"}, JSON], list[Item], (), [Item("a"), ITEM]),
        ({"items": [JSON]}, list[Item], "items", [ITEM]),
        ({"result": {"items": []}}, list[Item], ("result", "items"), []),
        ({"next": None}, str | None, "next", None),
        ({"next": "n"}, str | None, "next", "n"),
    ],
)
def test_read_when_the_answer_has_the_form_returns_the_type(
    server: Server, partner: Client, body: Any, kind: Any, field: Any, wanted: Any
) -> None:
    assert read_as(answer(server, partner, body), kind, field) == wanted


@pytest.mark.parametrize(
    ("body", "kind", "field", "said"),
    [
        (b"<html>", Item, (), "it is no JSON"),
        (b'{"id": "\xff"}', Item, (), "it is no JSON"),
        (b"[" * 200_000, Item, (), "it is no JSON"),
        ({"rows": []}, list[Item], "items", "it has no field items"),
        ({"result": []}, list[Item], ("result", "items"), "it has no field result.items"),
        ([], Item, (), "it is a list, not an object"),
        ({}, list[Item], (), "it is an object, not a list"),
        ("text", list[str], (), "it is text, not a list"),
        ({}, Item, (), "id is missing"),
        ({"items": [{"id": "a"}, {"id": None}]}, list[Item], "items", "items[1].id is null, not text"),
        ([{"id": True}], list[Item], (), "[0].id is true or false, not text"),
        ({"id": "a", "changedAt": []}, Item, (), "changedAt is a list, not text"),
        ({"id": "a", "sizes": "3"}, Item, (), "sizes is text, not a list"),
        ({"id": "a", "words": "abc"}, Item, (), "words is text, not a list"),
        ({"id": "a", "sizes": [{"width": "3"}]}, Item, (), "sizes[0].width is text, not a whole number"),
        ({"id": "a", "sizes": [{"width": 0.5}]}, Item, (), "sizes[0].width is a number, not a whole number"),
        ({"id": "a", "deleted": 0}, Item, (), "deleted is a number, not true or false"),
        ({"id": "a", "price": "2"}, Item, (), "price is text, not a number"),
        ({"id": "a", "day": "soon"}, Item, (), "day is text, not a date such as 2026-01-31"),
        ({"id": "a", "more": []}, Item, (), "more is no dict"),
        ({"number": 3}, Even, (), "it is refused: it is odd"),
        ([{}, {"id": None}, {}], list[Item], (), "[0].id is missing, and 2 more"),
    ],
)
def test_read_when_the_answer_has_another_form_names_the_field_in_one_line(
    server: Server, partner: Client, body: Any, kind: Any, field: Any, said: str
) -> None:
    with pytest.raises(TransientError) as caught:
        read_as(answer(server, partner, body), kind, field)
    assert str(caught.value) == f"the answer of 127.0.0.1 to GET /items cannot be read: {said}"


def test_read_when_a_value_is_of_a_wrong_type_does_not_show_it(server: Server, partner: Client) -> None:
    with pytest.raises(TransientError) as caught:
        read_as(answer(server, partner, [{"id": ["hidden-7c1"]}]), list[Item])
    assert "hidden-7c1" not in str(caught.value)
