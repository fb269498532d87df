from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from damlink import Portal, Secret
from damlink.bynder import User
from damlink.errors import BynderAuthError, BynderError, UnclearError

# --- users -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("active", "read"), [(1, True), (0, False), (True, True), (False, False), ("0", False), (None, None)]
)
def test_user_when_the_flag_comes_in_any_form_is_read(active: Any, read: bool | None) -> None:
    assert User.read({"active": active}).active is read


def test_user_when_single_has_the_name_that_lists_give(portal: Portal, control: Callable[..., Any]) -> None:
    made = control("add_user", username="una@portal.example", first_name="Una", last_name="Users")
    (listed,) = (user for user in portal.users.list() if user.id == made["id"])
    by_id, by_name = portal.users.get(made["id"]), portal.users.get("una@portal.example")
    assert (by_id.id, by_id.name, by_id.active) == (by_name.id, listed.name, listed.active)
    assert by_id.name == "Una Users"


def test_user_when_written_has_bynders_names_and_forms(served: Portal, server: Any) -> None:
    server.then(201, b'{"id": "1", "username": "a@b.example"}')
    made = served.users.create(
        email="a@b.example",
        password=Secret("pass"),
        profile_id="P",
        first_name="A",
        last_name="B",
        active=False,
        sso_only=True,
        group_ids=["1", "2"],
        extra={"costCenter": "9"},
    )
    assert (made.id, made.username, made.active) == ("1", "a@b.example", None)
    assert parse_qs(server.asked[0].body.decode()) == {
        "email": ["a@b.example"],
        "password": ["pass"],
        "profileId": ["P"],
        "firstname": ["A"],
        "lastname": ["B"],
        "active": ["0"],
        "isSSOOnly": ["1"],
        "groupIds": ["1,2"],
        "costCenter": ["9"],
    }


def test_user_when_created_without_an_answer_is_unclear_and_sent_once(served: Portal, server: Any) -> None:
    server.always(503)
    with pytest.raises(UnclearError):
        served.users.create(email="a", password=Secret("b"), profile_id="P", first_name="A", last_name="B")
    assert len(server.asked) == 1


def test_user_when_updated_sends_only_what_is_given_and_again_if_need_be(served: Portal, server: Any) -> None:
    server.then(503).then(202, b'{"id": "1"}')
    served.users.update("1", last_name="", terms_accepted=True)
    assert [asked.body for asked in server.asked] == [b"lastname=&termsAccepted=1"] * 2


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (["a", "b"], b"note=a%2Cb"),
        ({"a": [1]}, b"note=%7B%22a%22%3A+%5B1%5D%7D"),
        (True, b"note=1"),
        (7, b"note=7"),
        (None, b""),
    ],
    ids=repr,
)
def test_user_when_further_fields_are_given_sends_them_as_other_fields(
    served: Portal, server: Any, value: Any, form: bytes
) -> None:
    server.always(202, b'{"id": "1"}')
    served.users.update("1", extra={"note": value})
    assert server.asked[0].body == form


def test_users_when_inactive_are_wanted_are_asked_for_in_bynders_spelling(
    served: Portal, server: Any
) -> None:
    server.always(200, b"[]")
    list(served.users.list(include_inactive=True))
    served.users.page(page=3, limit=7)
    assert server.lines == [
        "GET /api/v4/users/?includeInActive=true",
        "GET /api/v4/users/?page=3&limit=7",
    ]


def test_users_when_paged_tell_how_many_there_are(portal: Portal, control: Callable[..., Any]) -> None:
    control("add_user", times=3)
    page = portal.users.page(page=2, limit=2)
    assert (page.page, page.limit, len(page.items)) == (2, 2, 2)
    assert page.total == len(list(portal.users.list()))
    assert {user.id for user in portal.users.list(limit=1)} == {user.id for user in portal.users.list()}


def test_user_when_there_is_none_is_named(portal: Portal) -> None:
    with pytest.raises(BynderError, match=r"404, GET /api/v4/users/nobody@portal\.example"):
        portal.users.get("nobody@portal.example")


# --- profiles, account -----------------------------------------------------------------------------


def test_profile_when_it_is_ones_own_is_among_all(portal: Portal) -> None:
    own = portal.profiles.own()
    assert own in portal.profiles.list()
    assert own is not None
    assert portal.profiles.get(own.id).roles == own.roles


def test_account_when_read_tells_languages_renditions_and_scopes(portal: Portal) -> None:
    account = portal.account.get()
    assert account.default_language in account.languages
    assert {"asset:read", "offline"} <= {scope.name for scope in portal.account.scopes()}
    presets = portal.account.derivative_presets()
    assert portal.account.derivative_preset(presets[0].id) == presets[0]
    assert {preset.prefix for preset in presets} >= {each.prefix for each in portal.account.derivatives()}


def test_groups_when_there_are_more_than_a_page_are_all_listed(
    portal: Portal, control: Callable[..., Any]
) -> None:
    for number in range(45):
        control("add_group", name=f"Team {number}")
    assert len({group.id for group in portal.account.groups(search="Team")}) == 45


# --- webhooks --------------------------------------------------------------------------------------


def test_webhook_when_it_lives_is_created_changed_and_deleted(portal: Portal) -> None:
    made = portal.webhooks.create(
        name="Ours", endpoint="https://us.example/events", events=["asset_bank.media.create"]
    )
    portal.webhooks.update(made.id, events=["asset_bank.media.deleted", "asset_bank.media.updated"])
    portal.webhooks.patch(made.id, name="Still ours", active=False)
    (found,) = (each for each in portal.webhooks.list() if each.id == made.id)
    assert (found.name, found.endpoint) == ("Still ours", "https://us.example/events")
    assert set(found.events) == {"asset_bank.media.deleted", "asset_bank.media.updated"}
    assert portal.webhooks.get(made.id).events == found.events
    portal.webhooks.delete(made.id)
    assert made.id not in [each.id for each in portal.webhooks.list()]


def test_webhooks_when_there_are_ten_take_no_more_and_say_so(portal: Portal) -> None:
    events = ["asset_bank.media.create"]
    made = [
        portal.webhooks.create(name=str(number), endpoint=f"https://us.example/{number}", events=events)
        for number in range(10)
    ]
    with pytest.raises(BynderError) as caught:
        portal.webhooks.create(name="one too many", endpoint="https://us.example/x", events=events)
    assert caught.value.status == 400
    for each in made:
        portal.webhooks.delete(each.id)


@pytest.mark.parametrize("answer", [[{"configId": "1"}], {"subscriptions": [{"configId": "1"}]}])
def test_webhooks_when_listed_in_either_shape_are_read(served: Portal, server: Any, answer: Any) -> None:
    server.then(200, json.dumps(answer).encode())
    assert [each.id for each in served.webhooks.list()] == ["1"]


def test_webhooks_when_a_right_is_missing_name_it(served: Portal, server: Any) -> None:
    server.then(403, b"{}")
    with pytest.raises(BynderAuthError, match="webhooks.config:write.*Manage Webhooks configurations"):
        served.webhooks.create(name="a", endpoint="b", events=["c"])
