from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from damlink import Portal
from damlink.bynder.records.workflow import WorkflowUser
from damlink.errors import BynderError


def test_group_when_created_changed_and_deleted_is_listed_in_between(portal: Portal) -> None:
    workflow = portal.workflow
    (user,) = workflow.users()[:1]
    made = workflow.create_group(name="Press", user_ids=[user.id])
    workflow.update_group(made.id, name="Print")
    listed = {group.id: group for group in workflow.groups()}
    assert (listed[made.id].name, [each.email for each in listed[made.id].users]) == ("Print", [user.email])
    workflow.delete_group(made.id)
    with pytest.raises(BynderError, match="404"):
        workflow.group(made.id)


def test_metaproperty_of_the_workflow_when_read_has_its_options(
    portal: Portal, control: Callable[..., Any]
) -> None:
    made = control("workflow_metaproperty", label="Season", entity="campaign", options=["spring", "autumn"])
    found = portal.workflow.metaproperty(made["id"])
    assert (found.entity, [option.label for option in found.options]) == ("campaign", ["spring", "autumn"])
    assert found in portal.workflow.metaproperties()


@pytest.mark.parametrize("key", ["BynderUser", "bynderUser"])
def test_user_of_the_workflow_when_read_has_the_address_of_the_portal_user(key: str) -> None:
    user = WorkflowUser.read(
        {"ID": "1", "fullname": "Ada L", key: {"id": "2", "email": "ada@portal.example"}}
    )
    assert (user.id, user.name, user.user_id, user.email) == ("1", "Ada L", "2", "ada@portal.example")


@pytest.mark.parametrize("read", [lambda at: at.workflow.groups(), lambda at: at.workflow.metaproperties()])
def test_list_when_the_answer_is_one_record_has_this_record(served: Portal, server: Any, read: Any) -> None:
    server.always(200, b'{"ID": "1", "name": "Press", "users": []}')
    assert [each.id for each in read(served)] == ["1"]
