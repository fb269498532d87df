from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from damlink import Portal
from damlink.errors import BynderError
from damlink.sandbox import Sandbox


@pytest.fixture(scope="module", autouse=True)
def made(sandbox: Sandbox) -> Iterator[None]:
    def make(**body: Any) -> None:
        sandbox.part("bynder").control("metaproperty", body)

    make(name="colour", type="select", options=["red", "green"])
    make(name="sizes", type="select2", options=["small", "large"], multi=True)
    make(name="note", type="text")


def test_list_when_asked_twice_is_read_once(portal: Portal, sandbox: Sandbox) -> None:
    count = "portal GET /api/v4/metaproperties"
    before = sandbox.world.counts[count]
    names = [each.name for each in portal.metaproperties.list()]
    assert {"colour", "sizes", "note"} <= set(names)
    assert portal.metaproperties.get("note").type == "text"
    assert sandbox.world.counts[count] == before + 1


@pytest.mark.parametrize("by", ["name", "id", "label"])
def test_get_when_named_by_name_id_or_label_finds_it(portal: Portal, by: str) -> None:
    known = portal.metaproperties.get("colour")
    assert portal.metaproperties.get(getattr(known, by)) is known


def test_get_when_misspelt_names_the_nearest(portal: Portal) -> None:
    with pytest.raises(BynderError) as caught:
        portal.metaproperties.get("color")
    assert str(caught.value) == "the portal has no metaproperty 'color'; did you mean 'colour'?"


def option(portal: Portal, name: str, wanted: str) -> str:
    (found,) = (each.id for each in portal.metaproperties.get(name).options if each.name == wanted)
    return found


@pytest.mark.parametrize(
    ("name", "value", "ids"),
    [
        ("colour", "red", ["red"]),
        ("sizes", ["small", "large"], ["small", "large"]),
        ("sizes", ("large",), ["large"]),
    ],
)
def test_form_when_it_takes_options_writes_their_ids(
    portal: Portal, name: str, value: Any, ids: list[str]
) -> None:
    key = f"metaproperty.{portal.metaproperties.get(name).id}"
    written = portal.metaproperties.form({name: value})
    assert written == {key: ",".join(option(portal, name, each) for each in ids)}


def test_form_when_an_option_is_given_by_its_id_keeps_it(portal: Portal) -> None:
    red = option(portal, "colour", "red")
    assert list(portal.metaproperties.form({"colour": red}).values()) == [red]


@pytest.mark.parametrize(
    ("value", "written"), [("any text, with a comma", "any text, with a comma"), ("", "")]
)
def test_form_when_it_takes_text_writes_it_as_it_is(portal: Portal, value: str, written: str) -> None:
    key = f"metaproperty.{portal.metaproperties.get('note').id}"
    assert portal.metaproperties.form({"note": value}) == {key: written}


@pytest.mark.parametrize("empty", ["", []], ids=["text", "list"])
def test_form_when_a_value_is_empty_clears_it(portal: Portal, empty: Any) -> None:
    assert list(portal.metaproperties.form({"colour": empty}).values()) == [""]


def test_form_when_an_option_is_unknown_names_the_nearest(portal: Portal) -> None:
    with pytest.raises(BynderError) as caught:
        portal.metaproperties.form({"colour": "rde"})
    assert str(caught.value) == "the metaproperty 'colour' has no option 'rde'; did you mean 'red'?"


def test_values_when_written_are_read_back_by_name(portal: Portal, control: Callable[..., Any]) -> None:
    asset_id = control("add_asset", text="sand")["id"]
    portal.assets.modify(
        asset_id, **portal.metaproperties.form({"colour": "green", "note": "n", "sizes": ["small"]})
    )
    asset = portal.assets.get(asset_id)
    assert [asset.values_of(name) for name in ("colour", "note", "sizes")] == [("green",), ("n",), ("small",)]
