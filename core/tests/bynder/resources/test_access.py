from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from damlink import Portal
from damlink.errors import ArgumentError


@pytest.fixture
def metaproperty(control: Callable[..., Any], tag: str) -> str:
    return str(control("metaproperty", name=f"A{tag}", type="select", options=["one"])["id"])


def test_rule_about_a_metaproperty_when_added_is_listed_until_removed(
    portal: Portal, metaproperty: str
) -> None:
    me = portal.users.current()
    (told,) = portal.access.add(metaproperty, users=[me.id])
    (rule,) = portal.access.metaproperty(metaproperty)
    portal.access.remove(metaproperty, rule_ids=[rule.id])
    assert (told.id, told.type) == (rule.principal_id, rule.principal_type) == (me.id, "user")
    assert portal.access.metaproperty(metaproperty) == ()


def test_rules_about_an_option_when_set_replace_those_before(portal: Portal, metaproperty: str) -> None:
    (option,) = portal.metaproperties.read(metaproperty).options
    me = portal.users.current()
    portal.access.set_option(option.id, users=[me.id], profiles=[me.profile_id])
    portal.access.set_option(option.id, profiles=[me.profile_id])
    assert [rule.principal_type for rule in portal.access.option(option.id)] == ["profile"]
    assert portal.access.option(option.id, principal_id=me.id) == ()


def test_visibility_of_an_option_when_set_is_kept(portal: Portal, metaproperty: str) -> None:
    (option,) = portal.metaproperties.read(metaproperty).options
    assert portal.access.set_option_visibility(option.id, visibility="hidden") == "hidden"
    assert portal.access.option_visibility(option.id) == "hidden"


def test_rule_when_it_concerns_no_one_is_not_sent(portal: Portal, metaproperty: str) -> None:
    with pytest.raises(ArgumentError, match="no user, group or profile"):
        portal.access.add(metaproperty)
