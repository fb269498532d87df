"""Users, groups and metaproperties of the workflow.

Source: Bynder's published definitions of workflow users and groups, and of workflow metaproperties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body
from damlink.bynder._listing import Records
from damlink.bynder._once import post_once
from damlink.bynder._request import omit_none, remove, segment
from damlink.bynder.records.workflow import WorkflowGroup, WorkflowMetaproperty, WorkflowUser, workflow_id
from damlink.bynder.resources.resource import Resource

__all__ = ["Workflow"]

USERS: Final = "/api/workflow/users/"
GROUPS: Final = "/api/workflow/groups/"
METAPROPERTIES: Final = "/api/workflow/metaproperties"


class Workflow(Resource):
    """Users, groups and metaproperties of the workflow.

    Example:
        for user in portal.workflow.users():
            print(user.id)
    """

    @action()
    def users(self) -> Records[WorkflowUser]:
        """List the users of the workflow."""
        return Records(map(WorkflowUser.read, get_body(self._client, USERS, expect_list)))

    @action()
    def user(self, id: str) -> WorkflowUser:
        """Get a user of the workflow.

        Args:
            id: of the user.
        """
        return WorkflowUser.read(get_body(self._client, f"{USERS}{_segment(id)}", expect_object))

    @action()
    def groups(self) -> Records[WorkflowGroup]:
        """List the groups of users, with their members."""
        return Records(map(WorkflowGroup.read, get_body(self._client, GROUPS, expect_list)))

    @action()
    def group(self, id: str) -> WorkflowGroup:
        """Get a group of users, with its members.

        Args:
            id: of the group.
        """
        return WorkflowGroup.read(get_body(self._client, f"{GROUPS}{_segment(id)}", expect_object))

    @action()
    def create_group(self, *, name: str, user_ids: Sequence[str] = ()) -> WorkflowGroup:
        """Create a group of users. Its id is empty if the portal does not answer with it.

        Args:
            name: of the group.
            user_ids: of the members.

        Raises:
            UnclearError: it is not known whether the group was created.
        """
        body = {"name": name, "user_ids": [*map(workflow_id, user_ids)]}

        def read(answer: Mapping[str, Any]) -> WorkflowGroup:
            return WorkflowGroup.read({**body, **answer})

        return post_once(self._client, GROUPS, read, json=body)

    @action()
    def update_group(
        self, id: str, *, name: str | None = None, user_ids: Sequence[str] | None = None
    ) -> None:
        """Change a group of users. Safe to repeat.

        Args:
            id: of the group.
            name: of the group.
            user_ids: of all members; replaces the present ones.
        """
        members = None if user_ids is None else [*map(workflow_id, user_ids)]
        self._client.put(f"{GROUPS}{_segment(id)}", json=omit_none(name=name, user_ids=members))

    @action()
    def delete_group(self, id: str) -> None:
        """Delete a group of users.

        Args:
            id: of the group.
        """
        remove(self._client, f"{GROUPS}{_segment(id)}")

    @action()
    def metaproperties(self) -> Records[WorkflowMetaproperty]:
        """List the metaproperties of campaigns and jobs, with their options."""
        answer = get_body(self._client, METAPROPERTIES, expect_list)
        return Records(map(WorkflowMetaproperty.read, answer))

    @action()
    def metaproperty(self, id: str) -> WorkflowMetaproperty:
        """Get a metaproperty of campaigns or jobs, with its options.

        Args:
            id: of the metaproperty.
        """
        answer = get_body(self._client, f"{METAPROPERTIES}/{_segment(id)}", expect_object)
        return WorkflowMetaproperty.read(answer)


def _segment(id: str) -> str:
    return segment(workflow_id(id))


def expect_list(body: Any) -> Sequence[Mapping[str, Any]]:
    """Return the records of a list; also of one record without a list.

    Source: the definitions describe the lists of groups and metaproperties as one record.
    """
    if isinstance(body, Mapping) and isinstance(body.get("ID"), str):
        return [body]
    return expect_records(body)
