from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from damlink import Portal


@pytest.fixture
def colours(control: Callable[..., Any], tag: str) -> str:
    made = control("metaproperty", name=f"C{tag}", type="select", options=["blue", "green", "red"])
    return str(made["id"])


def test_options_when_walked_by_cursor_each_come_once(portal: Portal, colours: str) -> None:
    assert [option.name for option in portal.taxonomy.options(colours, limit=1)] == ["blue", "green", "red"]


def test_page_of_options_when_read_has_the_cursors_around_it(portal: Portal, colours: str) -> None:
    first = portal.taxonomy.page(colours, limit=2)
    second = portal.taxonomy.page(colours, start=first.next_cursor)
    back = portal.taxonomy.page(colours, before=second.previous_cursor)
    assert [option.name for option in (*first.items, *second.items)] == ["blue", "green", "red"]
    assert (first.previous_cursor, second.next_cursor, back.items) == (None, None, first.items)
