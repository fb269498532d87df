"""Dependencies between options: an option that people can choose only after another.

Source: Bynder's published definition of metaproperty options, "dependencies".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_ids, expect_mapping, get_body
from damlink.bynder._fields import json_data, text_of
from damlink.bynder._listing import Records
from damlink.bynder._once import id_of, post_once
from damlink.bynder._request import remove, segment
from damlink.bynder.records.convert import ids as ids_of
from damlink.bynder.resources.options import options_path
from damlink.bynder.resources.resource import Resource

__all__ = ["Dependencies"]

UNGROUPED: Final = "ungrouped"


class Dependencies(Resource):
    """Dependencies between options: an option that people can choose only after another.

    Example:
        portal.dependencies.add(metaproperty, option_id=option, dependency_id=other)
        print(portal.dependencies.of_option(metaproperty, option_id=option))
    """

    @action()
    def list(self) -> Mapping[str, Any]:
        """List the ids of dependent options, by metaproperty, option and group (or `ungrouped`)."""
        return get_body(self._client, "/api/v4/metaproperties/options/dependencies/", expect_mapping)

    @action()
    def of_metaproperty(self, id: str) -> Mapping[str, Any]:
        """List the ids of dependent options of a metaproperty, by option and group (or `ungrouped`).

        Args:
            id: of the metaproperty.
        """
        return get_body(self._client, f"{options_path(id)}dependencies/", expect_mapping)

    @action()
    def of_option(self, id: str, *, option_id: str) -> Records[str]:
        """List the ids of the options that depend on an option.

        Args:
            id: of the metaproperty.
            option_id: of the option.
        """
        return Records(ids_of(get_body(self._client, _path(id, option_id), expect_ids)))

    @action()
    def grouped(self, id: str, *, option_id: str) -> Mapping[str, Sequence[str]]:
        """List the ids of the options that depend on an option, by the id of their group, or `ungrouped`.

        Args:
            id: of the metaproperty.
            option_id: of the option.
        """
        answer = get_body(
            self._client, _path(id, option_id), expect_groups, includeGroupedResults=text_of(True)
        )
        return {group: ids_of(members) for group, members in answer.items() if members}

    @action()
    def add(self, id: str, *, option_id: str, dependency_id: str) -> None:
        """Make an option depend on another. Safe to repeat.

        Args:
            id: of the metaproperty.
            option_id: of the option.
            dependency_id: of the dependent option.
        """
        self._client.post(f"{_path(id, option_id)}{segment(dependency_id)}/", idempotent=True)

    @action()
    def remove(self, id: str, *, option_id: str, dependency_id: str) -> None:
        """Remove the dependency of an option on another.

        Args:
            id: of the metaproperty.
            option_id: of the option.
            dependency_id: of the dependent option.
        """
        remove(self._client, f"{_path(id, option_id)}{segment(dependency_id)}/")

    @action()
    def create_group(self, id: str, *, option_id: str, dependency_ids: Sequence[str]) -> str:
        """Create a group of options that depend on another, and return its id.

        Args:
            id: of the metaproperty.
            option_id: of the option.
            dependency_ids: of the options in the group.

        Raises:
            UnclearError: it is not known whether the group was created.
        """
        path = _group_path(id, option_id)
        return post_once(
            self._client, path, lambda answer: id_of(answer, "id"), data=json_data([*dependency_ids])
        )

    @action()
    def modify_group(
        self,
        id: str,
        *,
        option_id: str,
        group_id: str,
        dependency_ids: Sequence[str],
    ) -> None:
        """Replace the options in a group. Safe to repeat.

        Args:
            id: of the metaproperty.
            option_id: of the option that they depend on.
            group_id: of the group.
            dependency_ids: new list of all options in the group.
        """
        path = _group_path(id, option_id, group_id)
        self._client.post(path, data=json_data([*dependency_ids]), idempotent=True)

    @action()
    def add_to_group(self, id: str, *, option_id: str, group_id: str, dependency_id: str) -> None:
        """Add an option to a group. Safe to repeat.

        Args:
            id: of the metaproperty.
            option_id: of the option that the group depends on.
            group_id: of the group.
            dependency_id: of the option.
        """
        self._client.post(_group_path(id, option_id, group_id, dependency_id), idempotent=True)

    @action()
    def remove_from_group(self, id: str, *, option_id: str, group_id: str, dependency_id: str) -> None:
        """Remove an option from a group.

        Args:
            id: of the metaproperty.
            option_id: of the option that the group depends on.
            group_id: of the group.
            dependency_id: of the option.
        """
        remove(self._client, _group_path(id, option_id, group_id, dependency_id))


def expect_groups(body: Any) -> Mapping[str, Any]:
    """Return ids by group; a bare list of ids is one group."""
    return expect_mapping(body) if isinstance(body, Mapping) else {UNGROUPED: expect_ids(body)}


def _path(id: str, option_id: str) -> str:
    return f"{options_path(id, option_id)}dependencies/"


def _group_path(id: str, option_id: str, *ids: str) -> str:
    return "".join([_path(id, option_id), "group/", *(f"{segment(each)}/" for each in ids)])
