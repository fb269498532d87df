"""One rule for list arguments of every action: a single value is a list of one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from portal_actions import Action, all_actions

from damlink import Portal
from damlink.bynder._lists import list_arguments
from damlink.errors import ArgumentError, DamlinkError


@attrs.frozen
class ListArgument:
    """One list argument of one action."""

    action: Action
    name: str

    @property
    def item(self) -> Any:
        """A value that such a list may hold."""
        hint = dict(list_arguments(self.action.method))[self.name]
        return "summer" if hint is str else {"asset_id": "summer"}

    def __str__(self) -> str:
        return f"{self.action}:{self.name}"


ARGUMENTS = [
    ListArgument(action, name)
    for action in all_actions()
    for name, _ in list_arguments(action.method)
    if str(action) != "uploads.file"  # many requests: see below
]


@pytest.fixture
def sent(served: Portal, server: Any, tmp_path: Path) -> Callable[..., list[tuple[str, bytes]]]:
    """Call an action with a value for one argument, and give what was sent until an answer did not fit."""
    server.always(200, b"{}")
    file = tmp_path / "a.jpg"
    file.write_bytes(b"x")

    def call(argument: ListArgument, value: Any) -> list[tuple[str, bytes]]:
        server.asked.clear()
        with contextlib.suppress(DamlinkError):
            argument.action.call(served, file, **{argument.name: value})
        return [(asked.method + asked.path, asked.body) for asked in server.asked]

    return call


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
def test_list_argument_when_it_is_a_single_value_is_sent_as_a_list_of_one(
    sent: Callable[..., list[tuple[str, bytes]]], argument: ListArgument
) -> None:
    listed = sent(argument, [argument.item])
    assert listed
    assert b"summer" in b"".join(path.encode() + body for path, body in listed)
    assert sent(argument, argument.item) == listed


def test_list_arguments_when_counted_are_all_there_are() -> None:
    assert len(ARGUMENTS) >= 40


def test_tags_when_a_file_is_uploaded_with_a_single_one_are_that_one(portal: Portal, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a picture")
    made = portal.uploads.file(tmp_path / "a.jpg", tags="summer")  # type: ignore[arg-type]
    assert portal.assets.get(made.target_id).tags == ("summer",)


@pytest.mark.parametrize("value", [[None], [True], [1.5], [b"x"]], ids=repr)
def test_list_argument_when_an_item_is_no_text_is_refused(
    served: Portal, server: Any, value: list[Any]
) -> None:
    with pytest.raises(ArgumentError, match="asset_ids: each item must be a text, not"):
        served.tags.add("t", asset_ids=value)
    assert server.asked == []


@pytest.mark.parametrize("action", [*all_actions()], ids=str)
def test_action_when_an_argument_is_unknown_sends_nothing(
    served: Portal, server: Any, tmp_path: Path, action: Action
) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"x")
    with pytest.raises(TypeError, match="unexpected argument 'misspelt'"):
        action.call(served, file, misspelt="x")
    assert server.asked == []
