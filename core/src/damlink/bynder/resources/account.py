"""Account: settings, derivatives, groups and OAuth scopes.

Source: Bynder's published definitions of account, derivative presets, groups and OAuth 2.0.
"""

from __future__ import annotations

from typing import Final

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body
from damlink.bynder._listing import Listing, Records
from damlink.bynder._pages import Page, get_page, walk
from damlink.bynder._request import omit_none, segment
from damlink.bynder.records.account import Account, Derivative, Scope
from damlink.bynder.records.convert import records, text
from damlink.bynder.records.people import Group
from damlink.bynder.resources.resource import Resource

__all__ = ["AccountSettings"]

# The portal's own default, since the maximum is not published.
GROUPS_PAGE: Final = 20


class AccountSettings(Resource):
    """Account: settings, derivatives, groups and OAuth scopes.

    Example:
        account = portal.account.get()
        print(account.name, account.time_zone)
    """

    @action("Get Account Information")
    def get(self) -> Account:
        """Get the name, time zone and languages of the account."""
        return Account.read(get_body(self._client, "/api/v4/account", expect_object))

    @action()
    def derivatives(self) -> Records[Derivative]:
        """List the renditions that the portal creates of every asset."""
        answer = get_body(self._client, "/api/v4/account/derivatives", expect_records)
        return Records(map(Derivative.read, answer))

    @action()
    def derivative_presets(self) -> Records[Derivative]:
        """List the configured presets of renditions, with their ids."""
        answer = get_body(self._client, "/api/1/derivative-presets/", expect_records)
        return Records(map(Derivative.read, answer))

    @action()
    def derivative_preset(self, id: str) -> Derivative:
        """Get one preset of a rendition.

        Args:
            id: of the preset.
        """
        return Derivative.read(
            get_body(self._client, f"/api/1/derivative-presets/{segment(id)}", expect_object)
        )

    @action()
    def groups(self, *, search: str | None = None, order: str | None = None) -> Listing[Group]:
        """List the groups of users, page by page.

        Args:
            search: only groups whose name matches this text.
            order: of the list, in Bynder's words; Bynder does not publish the accepted values.
        """

        def ask(page: int) -> Page[Group]:
            query = omit_none(search_term=search, sort_order=order, page=page, limit=GROUPS_PAGE)
            return get_page(self._client, "/api/groups/list/", Group.read, query)

        return walk(ask, GROUPS_PAGE)

    @action()
    def scopes(self) -> Records[Scope]:
        """List the OAuth scopes of the portal, and the permissions that each requires."""
        answer = get_body(self._client, "/v6/authentication/oauth2/scopes", expect_object)
        return Records(
            Scope.read({**scope, "group": text(group.get("name"))})
            for group in records(answer.get("groups"))
            for scope in records(group.get("scopes"))
        )
