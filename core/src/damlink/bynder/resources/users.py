"""Users: who may enter the portal.

Source: Bynder's published definition of users.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from damlink._http.client import Client
from damlink._secret import Secret
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, get_body, read_again, read_body
from damlink.bynder._fields import text_of
from damlink.bynder._once import id_of, post_once
from damlink.bynder._pages import Page, numbered, walk
from damlink.bynder._request import given, remove, segment
from damlink.bynder.records.people import User

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
    """What may be said of a user besides.

    Args:
        username: to sign in with.
        infix: between first and last name.
        active: whether the user may sign in.
        sso_only: whether the user signs in by single sign-on alone.
        language: of the user, such as `en_US`.
        group_ids: all groups that the user is to belong to.
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


class Users:
    """Users: who may enter the portal."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @action("List Users")
    def list(self, *, include_inactive: bool = False, limit: int | None = None) -> Iterator[User]:
        """All users, one after the other.

        Args:
            include_inactive: also those who have been switched off.
            limit: users asked for at once; without it, all in one answer.
        """
        return walk(lambda page: self._page(page, limit, include_inactive), limit)

    @action()
    def page(self, *, page: int = 1, limit: int | None = None, include_inactive: bool = False) -> Page[User]:
        """One page of users, with how many there are.

        Args:
            page: its number, from 1.
            limit: the most on a page; without it, all.
            include_inactive: also those who have been switched off.
        """
        return self._page(page, limit, include_inactive)

    def _page(self, page: int, limit: int | None, include_inactive: bool) -> Page[User]:
        query = numbered(page, limit) | given(includeInActive=include_inactive or None)
        return read_again(
            lambda: self._client.get(PATH, params=query), lambda response: Page.read(response, User.read)
        )

    @action("Get User")
    def get(self, id: str) -> User:
        """One user.

        Args:
            id: of the user, or the user name.

        Raises:
            BynderError: status 404: there is none.
        """
        return User.read(get_body(self._client, f"{PATH}{segment(id)}", expect_object))

    @action("Get Current User")
    def current(self) -> User:
        """The user behind the credentials."""
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
        """Create a user; the answer tells the new id and user name.

        Args:
            email: the user's address; also the user name, if none is given.
            password: to sign in with.
            profile_id: of the security profile, which decides what the user may do.
            first_name: of the user.
            last_name: of the user.
            extra: further fields, in Bynder's own names.

        Raises:
            UnclearError: the user may or may not have been created.
        """
        named = {
            "email": email,
            "password": password,
            "profile_id": profile_id,
            "first_name": first_name,
            "last_name": last_name,
        }
        form = _form(named | fields) | _values(extra or {})

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
        """Change a user; what is not given stays. Safe to repeat.

        Args:
            id: of the user.
            email: the user's address.
            password: to sign in with.
            profile_id: of the security profile, which decides what the user may do.
            first_name: of the user.
            last_name: of the user.
            terms_accepted: whether the user has accepted the terms.
            extra: further fields, in Bynder's own names.
        """
        named = {
            "email": email,
            "password": password,
            "profile_id": profile_id,
            "first_name": first_name,
            "last_name": last_name,
            "terms_accepted": terms_accepted,
        }
        form = _form(named | fields) | _values(extra or {})
        path = f"{PATH}{segment(id)}"
        return read_again(
            lambda: self._client.post(path, data=form, idempotent=True),
            lambda response: User.read(read_body(response, expect_object)),
        )

    @action("Delete User")
    def delete(self, id: str) -> None:
        """Delete a user.

        Args:
            id: of the user, or the user name.
        """
        remove(self._client, f"{PATH}{segment(id)}")


def _form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields in Bynder's own names and forms."""
    return _values({_NAMES.get(name, name): value for name, value in fields.items()})


def _values(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: _value(value) for name, value in fields.items() if value is not None}


def _value(value: Any) -> str:
    """Return a value as the users' resource reads it: a flag is 0 or 1."""
    if isinstance(value, Secret):
        return value.reveal()
    return str(int(value)) if isinstance(value, bool) else text_of(value)
