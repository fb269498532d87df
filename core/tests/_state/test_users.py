"""Users who sign in at an issuer: one user for each person, whatever happens at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from damlink._state.database import Database
from damlink._state.users import Identity, Role, Users

ANN = Identity("https://login.example", "1")


def test_person_when_signing_in_many_times_at_once_is_one_user(
    database: Database, together: Callable[..., list[Any]]
) -> None:
    users = Users(database)
    names = together(4, lambda _: users.sign_in(ANN, "oidc:ann", Role.VIEWER)[0])
    assert names == ["oidc:ann"] * 4
    assert [(each.name, each.issuer) for each in users.listing()] == [("oidc:ann", ANN.issuer)]


def test_people_when_of_one_name_and_signing_in_at_once_are_as_many_users(
    database: Database, together: Callable[..., list[Any]]
) -> None:
    users = Users(database)
    people = [Identity(ANN.issuer, str(number)) for number in range(4)]
    names = together(4, lambda at: users.sign_in(people[at], "oidc:ann", Role.VIEWER)[0])
    assert len({*names}) == 4
    assert [users.find_name(each) for each in people] == names


@pytest.mark.parametrize(
    "other", [Identity("https://login.example/", "1"), Identity("https://login.example", "01")]
)
def test_person_when_one_text_differs_is_another(database: Database, other: Identity) -> None:
    users = Users(database)
    first, _ = users.sign_in(ANN, "oidc:ann", Role.ADMINISTRATOR)
    second, before = users.sign_in(other, "oidc:ann", Role.VIEWER)
    assert (first == second, before) == (False, None)


def test_person_when_removed_is_a_new_one_with_the_next_sign_in(database: Database) -> None:
    users = Users(database)
    users.sign_in(ANN, "oidc:ann", Role.VIEWER)
    assert users.remove("oidc:ann")
    assert users.find_name(ANN) is None
    assert users.sign_in(ANN, "oidc:ann", Role.OPERATOR) == ("oidc:ann", None)
