"""The account: its settings, derivatives, groups, and the scopes there are.

Source: Bynder's published definitions of account, derivative presets, groups and OAuth 2.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from damlink._http.client import Client
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body, read_again
from damlink.bynder._pages import Page, walk
from damlink.bynder._request import given, segment
from damlink.bynder.records.account import Account, Derivative, Scope
from damlink.bynder.records.convert import records, text
from damlink.bynder.records.people import Group

__all__ = ["AccountSettings"]

GROUPS_PAGE: Final = 20  # the portal's own default; the most it takes is not published


class AccountSettings:
    """The account: its settings, derivatives, groups, and the scopes there are."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @action("Get Account Information")
    def get(self) -> Account:
        """The account's name, time zone and languages."""
        return Account.read(get_body(self._client, "/api/v4/account", expect_object))

    @action()
    def derivatives(self) -> tuple[Derivative, ...]:
        """The renditions that the portal makes of every asset."""
        answer = get_body(self._client, "/api/v4/account/derivatives", expect_records)
        return tuple(map(Derivative.read, answer))

    @action()
    def derivative_presets(self) -> tuple[Derivative, ...]:
        """The configured presets of renditions, with their ids."""
        answer = get_body(self._client, "/api/1/derivative-presets/", expect_records)
        return tuple(map(Derivative.read, answer))

    @action()
    def derivative_preset(self, id: str) -> Derivative:
        """One preset of a rendition.

        Args:
            id: of the preset.
        """
        return Derivative.read(
            get_body(self._client, f"/api/1/derivative-presets/{segment(id)}", expect_object)
        )

    @action()
    def groups(self, *, search: str | None = None, order: str | None = None) -> Iterator[Group]:
        """The groups of users, page by page.

        Args:
            search: only groups whose name matches it.
            order: of the list, in Bynder's words; which it takes is not published.
        """

        def ask(page: int) -> Page[Group]:
            query = given(search_term=search, sort_order=order, page=page, limit=GROUPS_PAGE)
            return read_again(
                lambda: self._client.get("/api/groups/list/", params=query),
                lambda response: Page.read(response, Group.read),
            )

        return walk(ask, GROUPS_PAGE)

    @action()
    def scopes(self) -> tuple[Scope, ...]:
        """The OAuth scopes that the portal knows, and what a user needs to be granted each."""
        answer = get_body(self._client, "/v6/authentication/oauth2/scopes", expect_object)
        return tuple(
            Scope.read({**scope, "group": text(group.get("name"))})
            for group in records(answer.get("groups"))
            for scope in records(group.get("scopes"))
        )
