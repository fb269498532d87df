"""Access of users, groups and profiles to metaproperties and their options.

Source: Bynder's published definitions of access rights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body, read_body
from damlink.bynder._fields import uuid_of
from damlink.bynder._listing import Records
from damlink.bynder._request import omit_none, remove, segment
from damlink.bynder.records.convert import text
from damlink.bynder.records.services import AccessRule, Principal
from damlink.bynder.resources.resource import Resource
from damlink.errors import ArgumentError

__all__ = ["Access"]

METAPROPERTIES: Final = "/api/content_access/metaproperties"
OPTIONS: Final = "/api/1/content-access/options"
# The only level that is published.
HIDE: Final = "metaproperty.hide"


class Access(Resource):
    """Access of users, groups and profiles to metaproperties and their options.

    Example:
        for rule in portal.access.metaproperty(metaproperty):
            print(rule.id, rule.level)
    """

    @action()
    def metaproperty(self, id: str) -> Records[AccessRule]:
        """List the rules about a metaproperty.

        Args:
            id: of the metaproperty.
        """
        path = f"{METAPROPERTIES}/{segment(id)}"
        return Records(map(AccessRule.read, get_body(self._client, path, expect_records)))

    @action()
    def add(
        self,
        id: str,
        *,
        users: Sequence[str] = (),
        groups: Sequence[str] = (),
        profiles: Sequence[str] = (),
        level: str = HIDE,
    ) -> Records[Principal]:
        """Add rules about a metaproperty, and return whom they concern.

        Args:
            id: of the metaproperty.
            users: ids of users.
            groups: ids of groups.
            profiles: ids of security profiles.
            level: of the access.

        Raises:
            ArgumentError: no user, group or profile is given.
            UnclearError: it is not known whether the rules were added.
        """
        body = _rule(users, groups, profiles, level)
        return self._client.send_once(
            "POST", f"{METAPROPERTIES}/{segment(id)}", read=_read_principals, json=body
        )

    @action()
    def remove(self, id: str, *, rule_ids: Sequence[str]) -> None:
        """Remove rules about a metaproperty.

        Args:
            id: of the metaproperty.
            rule_ids: of the rules.
        """
        remove(self._client, f"{METAPROPERTIES}/{segment(id)}", json={"contentAccessIds": [*rule_ids]})

    @action()
    def option(
        self,
        id: str,
        *,
        principal_id: str | None = None,
        limit: int | None = None,
        start: str | None = None,
        before: str | None = None,
    ) -> Records[AccessRule]:
        """List the rules about an option, at most 20 by default. The portal does not say if there are more.

        Args:
            id: of the option.
            principal_id: only rules about this user, group or profile.
            limit: rules in the answer, at most 1000.
            start: cursor of the first rule.
            before: cursor of the rule after the last one.
        """
        query = omit_none(principalId=principal_id, limit=limit, start=start, before=before)
        path = f"{OPTIONS}/{segment(uuid_of(id))}"
        rules = map(AccessRule.read, get_body(self._client, path, expect_records, **query))
        return Records(rules, is_whole=False)

    @action()
    def set_option(
        self,
        id: str,
        *,
        users: Sequence[str] = (),
        groups: Sequence[str] = (),
        profiles: Sequence[str] = (),
        level: str = HIDE,
    ) -> Records[Principal]:
        """Change the rules about an option, and return whom they concern. Safe to repeat.

        Args:
            id: of the option.
            users: ids of users.
            groups: ids of groups.
            profiles: ids of security profiles.
            level: of the access.

        Raises:
            ArgumentError: no user, group or profile is given.
        """
        body = _rule(users, groups, profiles, level)
        return _read_principals(self._client.put(f"{OPTIONS}/{segment(uuid_of(id))}", json=body))

    @action()
    def option_visibility(self, id: str) -> str:
        """Get whether an option is visible by default, in the portal's own word.

        Args:
            id: of the option.
        """
        return _visibility(
            get_body(self._client, f"{OPTIONS}/{segment(uuid_of(id))}/visibility", expect_object)
        )

    @action()
    def set_option_visibility(self, id: str, *, visibility: str) -> str:
        """Change whether an option is visible by default. Safe to repeat.

        Args:
            id: of the option.
            visibility: in the portal's own word; Bynder does not publish the accepted values.
        """
        path = f"{OPTIONS}/{segment(uuid_of(id))}/visibility"
        answer = self._client.put(path, json={"defaultVisibility": visibility})
        return _visibility(read_body(answer, expect_object))


def _rule(users: Sequence[str], groups: Sequence[str], profiles: Sequence[str], level: str) -> dict[str, Any]:
    principals = [
        {"principalId": each, "principalType": kind}
        for kind, ids in (("user", users), ("group", groups), ("profile", profiles))
        for each in ids
    ]
    if not principals:
        raise ArgumentError("no user, group or profile is given", hint="give the id of one")
    return {"principals": principals, "level": level}


def _read_principals(response: httpx.Response) -> Records[Principal]:
    return read_body(response, expect_principals)


def expect_principals(body: Any) -> Records[Principal]:
    """Return the users, groups and profiles of a list that is not empty."""
    found = tuple(map(Principal.read, expect_records(body)))
    if isinstance(body, list) and found and all(each.id for each in found):
        return Records(found)
    raise ValueError("with the users, groups or profiles")


def _visibility(answer: Mapping[str, Any]) -> str:
    return text(answer.get("defaultVisibility"))
