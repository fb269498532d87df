"""Users of the portal.

Source: Bynder's published definition of users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from damlink._secret import Secret
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, get_body, post_body
from damlink.bynder._fields import text_of
from damlink.bynder._listing import Listing
from damlink.bynder._once import id_of, post_once
from damlink.bynder._pages import Page, get_page, page_query, walk
from damlink.bynder._request import omit_none, remove, segment
from damlink.bynder.records.people import User
from damlink.bynder.resources.resource import Resource

__all__ = ["UserFields", "Users"]

PATH: Final = "/api/v4/users/"

_NAMES: Final = {
    "profile_id": "profileId",
    "first_name": "firstname",
    "last_name": "lastname",
    "sso_only": "isSSOOnly",
    "group_ids": "groupIds",
    "phone_number": "phoneNumber",
    "company_name": "companyName",
    "cost_center": "costCenter",
    "terms_accepted": "termsAccepted",
}


class UserFields(TypedDict, total=False):
    """Optional fields of a user.

    Args:
        username: name for signing in.
        infix: between first and last name.
        active: whether the user may sign in.
        sso_only: whether the user signs in by single sign-on alone.
        language: of the user, such as `en_US`.
        group_ids: new list of all groups of the user.
        phone_number: of the user.
        company_name: of the user.
        department: of the user.
        job: of the user.
        cost_center: of the user.
    """

    username: str
    infix: str
    active: bool
    sso_only: bool
    language: str
    group_ids: Sequence[str]
    phone_number: str
    company_name: str
    department: str
    job: str
    cost_center: str


class Users(Resource):
    """Users of the portal.

    Example:
        for user in portal.users.list(limit=100):
            print(user.email)
        print(portal.users.current().username)
    """

    @action("List Users")
    def list(self, *, include_inactive: bool = False, limit: int | None = None) -> Listing[User]:
        """List users page by page.

        Args:
            include_inactive: include deactivated users.
            limit: users in each request; all users by default.
        """
        return walk(lambda page: self._page(page, limit, include_inactive), limit)

    @action()
    def page(self, *, page: int = 1, limit: int | None = None, include_inactive: bool = False) -> Page[User]:
        """Get one page of users, with the total number.

        Args:
            page: number of the page, counted from 1.
            limit: users on a page; all users by default.
            include_inactive: include deactivated users.
        """
        return self._page(page, limit, include_inactive)

    def _page(self, page: int, limit: int | None, include_inactive: bool) -> Page[User]:
        query = page_query(page, limit) | omit_none(includeInActive=include_inactive or None)
        return get_page(self._client, PATH, User.read, query)

    @action("Get User")
    def get(self, id: str) -> User:
        """Get a user.

        Args:
            id: of the user, or the user name.

        Raises:
            BynderError: status 404: the user does not exist.
        """
        return User.read(get_body(self._client, f"{PATH}{segment(id)}", expect_object))

    @action("Get Current User")
    def current(self) -> User:
        """Get the current user, to whom the credentials belong."""
        return User.read(get_body(self._client, "/api/v4/currentUser/", expect_object))

    @action("Create User")
    def create(
        self,
        *,
        email: str,
        password: Secret,
        profile_id: str,
        first_name: str,
        last_name: str,
        extra: Mapping[str, Any] | None = None,
        **fields: Unpack[UserFields],
    ) -> User:
        """Create a user and return the id and user name.

        Args:
            email: address of the user; also the user name by default.
            password: for signing in.
            profile_id: of the security profile, which gives the user roles.
            first_name: of the user.
            last_name: of the user.
            extra: more fields, by Bynder's own names.

        Raises:
            UnclearError: it is not known whether the user was created.
        """
        own = {"email": email, "password": password, "profile_id": profile_id}
        form = _form(own | {"first_name": first_name, "last_name": last_name} | fields, extra)

        def read(answer: Mapping[str, Any]) -> User:
            id_of(answer, "id")
            return User.read(answer)

        return post_once(self._client, PATH, read, data=form)

    @action("Update User")
    def update(
        self,
        id: str,
        *,
        email: str | None = None,
        password: Secret | None = None,
        profile_id: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        terms_accepted: bool | None = None,
        extra: Mapping[str, Any] | None = None,
        **fields: Unpack[UserFields],
    ) -> User:
        """Change a user. Omitted fields stay as they are. Safe to repeat.

        Args:
            id: of the user.
            email: address of the user.
            password: for signing in.
            profile_id: of the security profile, which gives the user roles.
            first_name: of the user.
            last_name: of the user.
            terms_accepted: whether the user has accepted the terms.
            extra: more fields, by Bynder's own names.
        """
        own: dict[str, Any] = {"email": email, "password": password, "profile_id": profile_id}
        own |= {"first_name": first_name, "last_name": last_name, "terms_accepted": terms_accepted}
        form = _form(own | fields, extra)
        return User.read(post_body(self._client, f"{PATH}{segment(id)}", expect_object, data=form))

    @action("Delete User")
    def delete(self, id: str) -> None:
        """Delete a user.

        Args:
            id: of the user, or the user name.
        """
        remove(self._client, f"{PATH}{segment(id)}")


def _form(fields: Mapping[str, Any], extra: Mapping[str, Any] | None) -> dict[str, str]:
    """Return fields by Bynder's own names and in its formats."""
    together = {_NAMES.get(name, name): value for name, value in fields.items()} | dict(extra or {})
    return {name: _value(value) for name, value in together.items() if value is not None}


def _value(value: Any) -> str:
    """Return a value in the format of this resource: a flag is 0 or 1."""
    if isinstance(value, Secret):
        return value.reveal()
    return str(int(value)) if isinstance(value, bool) else text_of(value)
