from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from damlink import Portal
from damlink.errors import BynderError
from damlink_sandbox import Sandbox


@pytest.fixture(scope="module", autouse=True)
def made(sandbox: Sandbox) -> None:
    def make(**body: Any) -> None:
        sandbox.part("bynder").control("metaproperty", body)

    make(name="colour", type="select", options=["red", "green"])
    make(name="sizes", type="select2", options=["small", "large"], multi=True)
    make(name="note", type="text")


def test_list_when_asked_without_options_has_none(portal: Portal) -> None:
    plain = {each.name: each for each in portal.metaproperties.list()}
    full = {each.name: each for each in portal.metaproperties.list(options=True, count=True, type=["image"])}
    assert {"colour", "sizes", "note"} <= set(plain)
    assert plain["colour"].options == ()
    assert [option.name for option in full["colour"].options] == ["red", "green"]
    assert full["sizes"].is_multiselect


def test_list_when_asked_for_some_gives_those_it_knows(portal: Portal) -> None:
    known = portal.metaproperties.get("note").id
    assert [each.name for each in portal.metaproperties.list(ids=[known, "unknown"])] == ["note"]


def test_get_when_asked_often_reads_once_until_we_change_something(portal: Portal, sandbox: Sandbox) -> None:
    count = "portal GET /api/v4/metaproperties"
    before = sandbox.world.counts[count]
    for name in ("note", "colour", "sizes"):
        portal.metaproperties.get(name)
    assert sandbox.world.counts[count] == before + 1
    portal.metaproperties.modify(portal.metaproperties.get("note").id, label="Noted")
    assert portal.metaproperties.get("Noted").name == "note"
    assert sandbox.world.counts[count] == before + 2
    portal.metaproperties.modify(portal.metaproperties.get("note").id, label="note")


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


def test_form_when_it_takes_one_option_only_refuses_more(portal: Portal) -> None:
    with pytest.raises(BynderError, match="'colour' takes one option, not red, green"):
        portal.metaproperties.form({"colour": ["red", "green"]})


def test_form_when_options_may_be_created_creates_each_once(portal: Portal, sandbox: Sandbox) -> None:
    first = portal.metaproperties.form({"sizes": ["huge", "large"]}, create_options=True)
    again = portal.metaproperties.form({"sizes": ["huge", "large"]}, create_options=True)
    assert first == again
    assert [each.name for each in portal.metaproperties.get("sizes").options].count("huge") == 1


def test_values_when_written_are_read_back_by_name(portal: Portal, control: Callable[..., Any]) -> None:
    asset_id = control("add_asset", text="sand")["id"]
    portal.assets.modify(asset_id, metaproperties={"colour": "green", "note": "n", "sizes": ["small"]})
    asset = portal.assets.get(asset_id)
    assert [asset.values_of(name) for name in ("colour", "note", "sizes")] == [("green",), ("n",), ("small",)]


def test_create_modify_and_delete_when_done_are_seen(portal: Portal) -> None:
    made = portal.metaproperties.create(
        name="Mood",
        label="The mood",
        type="select",
        is_multiselect=True,
        labels={"fr_FR": "Humeur"},
        zindex=3,
    )
    read = portal.metaproperties.read(made)
    assert (read.name, read.label, read.type, read.is_multiselect) == ("Mood", "The mood", "select", True)
    assert portal.metaproperties.get("The mood").id == made
    portal.metaproperties.modify(made, label="Its mood", is_required=True)
    assert (portal.metaproperties.get("Its mood").id, portal.metaproperties.read(made).is_required) == (
        made,
        True,
    )
    portal.metaproperties.delete(made)
    with pytest.raises(BynderError, match="no metaproperty 'Mood'"):
        portal.metaproperties.get("Mood")


def test_create_when_an_argument_is_misspelt_sends_nothing(server: Any) -> None:
    with (
        Portal(server.url, httpx.Auth(), pace=None) as portal,
        pytest.raises(TypeError, match="'is_require'"),
    ):
        portal.metaproperties.create(name="Odd", is_require=True)  # type: ignore[call-arg]
    assert server.asked == []


def test_create_when_the_type_is_unknown_says_so(portal: Portal) -> None:
    with pytest.raises(BynderError, match="Invalid metaproperty type"):
        portal.metaproperties.create(name="Odd", type="number")


def test_ensure_when_there_is_none_creates_it_with_a_name_that_may_be(portal: Portal) -> None:
    made = portal.metaproperties.ensure("Print URL (new)")
    assert (made.name, made.label, made.type, made.is_editable) == (
        "Print_URL_new_",
        "Print URL (new)",
        "text",
        True,
    )
    assert portal.metaproperties.ensure("Print URL (new)") is portal.metaproperties.ensure("Print_URL_new_")
    assert portal.metaproperties.form({"Print URL (new)": "x"}) == {f"metaproperty.{made.id}": "x"}


def test_ensure_when_names_are_in_another_script_keeps_them_apart(portal: Portal) -> None:
    made = [portal.metaproperties.ensure(name) for name in ("名前", "住所")]
    assert [each.label for each in made] == ["名前", "住所"]
    assert len({each.name for each in made}) == 2
    assert all(each.name.isascii() for each in made)


def test_ensure_when_many_threads_ask_creates_one(portal: Portal, sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: portal.metaproperties.ensure("Shared"), range(16)))
    assert len({each.id for each in made}) == 1
    assert [each.name for each in portal.metaproperties.list()].count("Shared") == 1


def test_ensure_when_somebody_else_is_first_takes_theirs(portal: Portal, control: Callable[..., Any]) -> None:
    portal.metaproperties.get("note")  # read before the other one creates it
    theirs = control("metaproperty", name="Raced", type="text")["id"]
    assert portal.metaproperties.ensure("Raced").id == theirs


def test_ensure_when_it_takes_other_values_refuses_it(portal: Portal) -> None:
    with pytest.raises(BynderError, match="'colour' is of the type select; choose one of the type text"):
        portal.metaproperties.ensure("colour")
    assert portal.metaproperties.ensure("colour", type="select2").type == "select"


def test_ensure_when_the_answer_was_lost_finds_what_it_made(server: Any, hurried: None) -> None:
    made = b'{"Hash": {"id": "m", "name": "Hash", "type": "text"}}'
    server.then(200, b"{}").then(201, cut=-1).then(200, made)
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        assert portal.metaproperties.ensure("Hash").id == "m"
    assert [line.split()[0] for line in server.lines] == ["GET", "POST", "GET"]


def test_smartfilters_when_read_name_their_metaproperties(server: Any) -> None:
    server.always(200, b'[{"id": "s", "labels": {"en_US": "Where"}, "metaproperties": ["m"]}]')
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        (found,) = portal.metaproperties.smartfilters()
    assert (found.id, found.labels, found.metaproperty_ids) == ("s", {"en_US": "Where"}, ("m",))


@pytest.mark.parametrize(("name", "found"), [("colour", "colour"), ("color", None)])
def test_find_when_named_returns_it_or_none(portal: Portal, name: str, found: str | None) -> None:
    metaproperty = portal.metaproperties.find(name)
    assert (metaproperty.name if metaproperty else None) == found
