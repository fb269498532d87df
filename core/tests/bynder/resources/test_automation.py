from __future__ import annotations

from typing import Any

import pytest

from damlink import Portal
from damlink.errors import BynderError


def test_rule_when_created_changed_and_published_shows_it(portal: Portal) -> None:
    made = portal.automation.create(name="Sort", triggers=["AssetCreated"])
    portal.automation.update(made.id, name="Sort them")
    portal.automation.set_status(made.id, status="PUBLISHED")
    found = portal.automation.get(made.id)
    assert (found.name, found.triggers, found.status) == ("Sort them", ("AssetCreated",), "PUBLISHED")
    portal.automation.delete(made.id)
    with pytest.raises(BynderError, match="Rule not found"):
        portal.automation.get(made.id)


def test_rules_when_walked_in_pages_each_come_once_the_newest_first(portal: Portal) -> None:
    made = [portal.automation.create(name=name).id for name in "abcde"]
    found = [rule.id for rule in portal.automation.list(limit=2)]
    assert found[:5] == made[::-1]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("next_page", ["2", "/rules?start=2&limit=2", "opaque"])
def test_rules_when_the_next_page_is_named_in_any_form_are_all_read(
    served: Portal, server: Any, next_page: str
) -> None:
    rules = b'[{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]'
    server.then(200, b'{"rules": %s, "metadata": {"next_page": "%s"}}' % (rules, next_page.encode()))
    server.then(200, b'{"rules": [{"id": "3", "name": "c"}], "metadata": {}}')
    assert [rule.id for rule in served.automation.list()] == ["1", "2", "3"]
    assert server.asked[1].path.endswith("?start=2")


def test_status_when_set_again_after_a_lost_answer_is_done(served: Portal, server: Any) -> None:
    server.then(502).then(409, b'{"message": "Rule is already paused"}')
    served.automation.set_status("R-1", status="PAUSED")
    assert len(server.asked) == 2


def test_status_when_it_is_so_already_is_an_error(served: Portal, server: Any) -> None:
    server.always(409, b'{"message": "Rule is already paused"}')
    with pytest.raises(BynderError, match="already paused"):
        served.automation.set_status("R-1", status="PAUSED")


def test_parts_of_rules_when_listed_have_their_limits(portal: Portal) -> None:
    conditions, actions = portal.automation.conditions(), portal.automation.actions()
    assert (conditions.most, conditions.conditions[0].name) == (5, "AssetType")
    assert (actions.most, actions.actions) == (5, ("AGENT_ENRICHMENT", "ADD_TO_COLLECTION"))
    assert "AssetCreated" in portal.automation.triggers()
