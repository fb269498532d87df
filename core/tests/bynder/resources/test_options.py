from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from damlink import Portal
from damlink.errors import BynderError
from damlink_sandbox import Sandbox

_numbers = itertools.count(1)


@pytest.fixture
def chosen(sandbox: Sandbox) -> str:
    """A metaproperty of the test's own, with three options."""
    body = {
        "name": f"of_options_{next(_numbers)}",
        "type": "select2",
        "options": ["a", "b", "c"],
        "multi": True,
    }
    return str(sandbox.part("bynder").control("metaproperty", body)["id"])


def by_name(portal: Portal, metaproperty: str) -> dict[str, str]:
    return {option.name: option.id for option in portal.options.list(metaproperty)}


def test_list_when_walked_in_small_pages_finds_each_once(portal: Portal, chosen: str) -> None:
    assert [option.name for option in portal.options.list(chosen, limit=2)] == ["a", "b", "c"]
    assert [option.name for option in portal.options.list(chosen, name="b")] == ["b"]


def test_get_when_ids_are_known_gives_them_in_order(portal: Portal, chosen: str) -> None:
    known = by_name(portal, chosen)
    found = portal.options.get(ids=[known["c"], known["a"]])
    assert [option.name for option in found] == ["c", "a"]


def test_create_when_there_is_one_gives_its_id(portal: Portal, chosen: str) -> None:
    made = portal.options.create(chosen, name="d", label="The d", external_reference="D-1", zindex=3)
    assert portal.options.create(chosen, name="d") == made
    (option,) = portal.options.list(chosen, external_reference="D-1")
    assert (option.id, option.label, option.external_reference) == (made, "The d", "D-1")


def test_create_when_the_answer_was_lost_gives_the_id_it_made(server: Any, hurried: None) -> None:
    message = b'"message": "Meta property option with this name already exists"'
    exists = b'{%b, "existingUUID": "o", "statuscode": "400"}' % message
    server.then(201, cut=-1).then(400, exists)
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        assert portal.options.create("m", name="d") == "o"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("metaproperty", "name", "words"),
    [(None, "", "name is required"), ("unknown", "x", "(?i)metaproperty")],
    ids=["no name", "no metaproperty"],
)
def test_create_when_refused_says_why(
    portal: Portal, chosen: str, metaproperty: str | None, name: str, words: str
) -> None:
    with pytest.raises(BynderError, match=words):
        portal.options.create(metaproperty or chosen, name=name)


def test_modify_and_delete_when_done_are_known_to_metaproperties(portal: Portal, chosen: str) -> None:
    name = portal.metaproperties.get(chosen).name
    portal.options.modify(chosen, option_id=by_name(portal, chosen)["a"], label="First")
    assert portal.metaproperties.form({name: ["First"]}) == {
        f"metaproperty.{chosen}": by_name(portal, chosen)["a"]
    }
    portal.options.delete(chosen, option_id=by_name(portal, chosen)["b"])
    assert [option.name for option in portal.metaproperties.get(name).options] == ["a", "c"]


def test_modify_when_the_name_would_change_says_why_not(portal: Portal, chosen: str) -> None:
    with pytest.raises(BynderError, match="Editing meta property option name not allowed"):
        portal.options.modify(chosen, option_id=by_name(portal, chosen)["a"], extra={"name": "z"})


@pytest.fixture
def ids(portal: Portal, chosen: str) -> dict[str, str]:
    return by_name(portal, chosen)


def test_dependencies_when_added_and_removed_are_read_in_each_way(
    portal: Portal, chosen: str, ids: dict[str, str]
) -> None:
    a, b, c = ids["a"], ids["b"], ids["c"]
    for dependency in (b, c):
        portal.dependencies.add(chosen, option_id=a, dependency_id=dependency)
    assert portal.dependencies.of_option(chosen, option_id=a) == (b, c)
    assert portal.dependencies.grouped(chosen, option_id=a) == {"ungrouped": (b, c)}
    assert portal.dependencies.of_metaproperty(chosen) == {a: {"ungrouped": [b, c]}}
    assert portal.dependencies.list()[chosen] == {a: {"ungrouped": [b, c]}}
    assert isinstance(portal.metaproperties.dependencies(chosen), tuple)
    portal.dependencies.remove(chosen, option_id=a, dependency_id=b)
    assert portal.dependencies.of_option(chosen, option_id=a) == (c,)


def test_dependency_groups_when_changed_hold_what_was_said(
    portal: Portal, chosen: str, ids: dict[str, str]
) -> None:
    a, b, c = ids["a"], ids["b"], ids["c"]
    group = portal.dependencies.create_group(chosen, option_id=a, dependency_ids=[b])
    assert portal.dependencies.grouped(chosen, option_id=a) == {group: (b,)}
    portal.dependencies.add_to_group(chosen, option_id=a, group_id=group, dependency_id=c)
    portal.dependencies.remove_from_group(chosen, option_id=a, group_id=group, dependency_id=b)
    assert portal.dependencies.grouped(chosen, option_id=a) == {group: (c,)}
    portal.dependencies.modify_group(chosen, option_id=a, group_id=group, dependency_ids=[b, c])
    assert set(portal.dependencies.grouped(chosen, option_id=a)[group]) == {b, c}


def test_dependencies_when_one_is_unknown_say_so(portal: Portal, chosen: str, ids: dict[str, str]) -> None:
    with pytest.raises(BynderError, match="Unknown dependency option") as caught:
        portal.dependencies.add(chosen, option_id=ids["a"], dependency_id="unknown")
    assert caught.value.status == 404
