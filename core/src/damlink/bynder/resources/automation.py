"""Automation: rules that the portal applies to assets.

Source: Bynder's published definition of automation workflows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

import httpx

from damlink._http.outcome import IDEMPOTENT
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_page, get_body, read_body
from damlink.bynder._listing import Listing, Records
from damlink.bynder._once import id_of, post_once
from damlink.bynder._pages import Page, walk_cursors
from damlink.bynder._request import omit_none, remove, segment, send_again
from damlink.bynder.records.automation import AutomationActions, AutomationConditions, AutomationRule
from damlink.bynder.records.convert import records, text
from damlink.bynder.resources.resource import Resource

__all__ = ["Automation"]

# Source: assumed: the definition names another host, whose sign-in it does not describe. The portal itself
# serves everything else below /api/1, and credentials are sent to no other host.
PATH: Final = "/api/1/automation-workflow"


class Automation(Resource):
    """Automation: rules that the portal applies to assets.

    Example:
        for rule in portal.automation.list():
            print(rule.name)
    """

    @action()
    def list(self, *, limit: int | None = None) -> Listing[AutomationRule]:
        """List the rules page by page, the newest first.

        Args:
            limit: rules in each request; the portal's own number by default.
        """
        read = 0

        def ask(cursor: str | None) -> Page[AutomationRule]:
            nonlocal read
            page = self.page(start=_start(cursor, read), limit=limit)
            read += len(page.items)
            return page

        return walk_cursors(ask)

    @action()
    def page(self, *, start: int | None = None, limit: int | None = None) -> Page[AutomationRule]:
        """Get one page of rules.

        Args:
            start: number of the first rule.
            limit: rules on the page; the portal's own number by default.
        """
        body = get_body(self._client, f"{PATH}/rules", expect_page("rules"), start=start, limit=limit)
        answer = body if isinstance(body, Mapping) else {"rules": body}
        metadata = answer.get("metadata")
        around = metadata if isinstance(metadata, Mapping) else {}
        return Page(
            items=tuple(map(AutomationRule.read, records(answer["rules"]))),
            next_cursor=text(around.get("next_page")) or None,
            previous_cursor=text(around.get("previous_page")) or None,
        )

    @action()
    def get(self, id: str) -> AutomationRule:
        """Get a rule.

        Args:
            id: of the rule.
        """
        return AutomationRule.read(get_body(self._client, _path(id), expect_object))

    @action()
    def create(
        self, *, name: str, triggers: Sequence[str] = (), steps: Sequence[Mapping[str, Any]] = ()
    ) -> AutomationRule:
        """Create a rule and return it with its id.

        Args:
            name: of the rule.
            triggers: names of events, as `triggers` lists them.
            steps: conditions and actions, in the portal's JSON.

        Raises:
            UnclearError: it is not known whether the rule was created.
        """
        body = {"name": name, "triggers": [*triggers], "steps": [*map(dict, steps)]}

        def read(answer: Mapping[str, Any]) -> AutomationRule:
            return AutomationRule.read({**body, **answer, "id": id_of(answer, "id")})

        return post_once(self._client, f"{PATH}/rules", read, json=body)

    @action()
    def update(
        self,
        id: str,
        *,
        name: str | None = None,
        triggers: Sequence[str] | None = None,
        steps: Sequence[Mapping[str, Any]] | None = None,
    ) -> AutomationRule:
        """Change a rule; omitted fields are not sent. Safe to repeat.

        Args:
            id: of the rule.
            name: of the rule.
            triggers: names of events; replaces the present ones.
            steps: conditions and actions, in the portal's JSON; replaces the present ones.
        """
        body = omit_none(
            name=name,
            triggers=None if triggers is None else [*triggers],
            steps=None if steps is None else [*map(dict, steps)],
        )
        return AutomationRule.read(read_body(self._client.put(_path(id), json=body), expect_object))

    @action()
    def set_status(self, id: str, *, status: Literal["PUBLISHED", "PAUSED"]) -> None:
        """Publish or pause a rule.

        Args:
            id: of the rule.
            status: `PUBLISHED` or `PAUSED`.

        Raises:
            BynderError: status 409: the rule has the status already.
        """
        path, body = f"{_path(id)}/status", {"status": status}
        request = self._client.build_request("PATCH", path, json=body, extensions={IDEMPOTENT: True})
        send_again(self._client, request, done=httpx.codes.CONFLICT)

    @action()
    def delete(self, id: str) -> None:
        """Delete a rule.

        Args:
            id: of the rule.
        """
        remove(self._client, _path(id))

    @action()
    def triggers(self) -> Records[str]:
        """List the names of the events that can start a rule."""
        answer = get_body(self._client, f"{PATH}/triggers", expect_object)
        return Records(text(each.get("name")) for each in records(answer.get("triggers")))

    @action()
    def conditions(self) -> AutomationConditions:
        """Get the conditions that a rule may have, and their maximum number."""
        return AutomationConditions.read(get_body(self._client, f"{PATH}/conditions", expect_object))

    @action()
    def actions(self) -> AutomationActions:
        """Get the actions that the current user may put into a rule, and their maximum number."""
        return AutomationActions.read(get_body(self._client, f"{PATH}/actions", expect_object))


def _path(id: str) -> str:
    return f"{PATH}/rules/{segment(id)}"


def _start(cursor: str | None, read: int) -> int | None:
    """Return the number of the first rule of the next page.

    Source: assumed: the form of `next_page` is not published, so a number, an address with `start`, and the
    number of rules read are understood.
    """
    if cursor is None:
        return None
    named = parse_qs(urlsplit(cursor).query).get("start", [""])[0]
    return next((int(each) for each in (cursor, named) if each.isdecimal()), read)
