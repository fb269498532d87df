from __future__ import annotations

from typing import Any

import pytest

USERS = "/api/v4/users"
FIELDS = {"email": "jo@example.com", "password": "p", "firstname": "Jo", "lastname": "Doe"}


def test_users_when_created_changed_and_deleted_answer_as_published(client: Any) -> None:
    profile = _own_profile(client)
    made = client.portal.post(f"{USERS}/", data={**FIELDS, "profileId": profile, "phoneNumber": "1"})
    assert made.status_code == 201
    assert made.json() == {"id": made.json()["id"], "username": "jo@example.com"}
    path = f"{USERS}/{made.json()['id']}"
    changed = client.portal.post(path, data={"username": "jo", "lastname": "Roe", "termsAccepted": "true"})
    assert (changed.status_code, changed.json()["username"]) == (202, "jo")
    shown = client.portal.get(f"{USERS}/JO/").json()
    assert (shown["lastname"], shown["phoneNumber"], shown["active"]) == ("Roe", "1", True)
    assert [client.portal.delete(f"{USERS}/jo").status_code for _ in range(2)] == [204, 404]
    assert client.portal.get(path).json()["statuscode"] == "404"


@pytest.mark.parametrize("missing", ["email", "password", "profileId", "firstname", "lastname"])
def test_user_when_a_required_field_is_missing_is_refused(client: Any, missing: str) -> None:
    fields = {**FIELDS, "profileId": _own_profile(client)}
    del fields[missing]
    assert client.portal.post(USERS, data=fields).status_code == 400


@pytest.mark.parametrize("field", [{"profileId": "X"}, {"groupIds": "X"}, {"username": "TAKEN"}])
def test_user_when_a_field_is_wrong_is_refused(client: Any, field: dict[str, str]) -> None:
    client.control("add_user", username="taken")
    fields = {**FIELDS, "profileId": _own_profile(client), **field}
    assert client.portal.post(USERS, data=fields).status_code == 400


def test_users_when_listed_have_numbers_for_booleans_and_no_inactive_ones(client: Any) -> None:
    client.control("add_user", username="gone", active=False)
    group = client.portal.get("/api/groups/list/").json()[0]
    own = client.portal.get("/api/v4/currentUser/").json()["id"]
    client.portal.post(f"{USERS}/{own}", data={"groupIds": group["id"]})
    active = client.portal.get(USERS).json()
    everybody = client.portal.get(USERS, params={"includeInActive": "true"}).json()
    assert [(one["active"], one["groups"]) for one in active] == [(1, [group])]
    assert [one["active"] for one in everybody] == [1, 0]
    assert client.portal.get(f"{USERS}/gone").json()["active"] is False
    assert client.portal.get(USERS, params={"includeInactive": "true"}).json() == active


def test_users_when_paged_count_in_headers_and_without_a_limit_are_all(client: Any) -> None:
    client.control("add_user", username="u", times=104)
    page = client.portal.get(USERS, params={"limit": "50", "page": "3"})
    counts = {
        name: page.headers[f"X-Pagination-{name}"] for name in ("TotalRecords", "TotalPages", "Page", "Limit")
    }
    assert counts == {"TotalRecords": "105", "TotalPages": "3", "Page": "3", "Limit": "50"}
    assert (len(page.json()), len(client.portal.get(USERS).json())) == (5, 105)


def test_current_user_has_no_groups_and_needs_no_role(client: Any) -> None:
    client.control("roles", roles=[])
    user = client.portal.get("/api/v4/currentUser")
    assert (user.status_code, "groups" in user.json(), user.json()["active"]) == (200, False, True)
    assert client.portal.get(USERS).status_code == 403


def test_call_when_the_user_behind_the_token_is_gone_is_denied(client: Any) -> None:
    client.control("remove_user")
    answer = client.portal.get("/api/v4/currentUser")
    assert (answer.status_code, answer.json()["message"]) == (403, "Access denied")


def test_groups_are_searched_sorted_and_paged(client: Any) -> None:
    for number in range(25):
        client.control("add_group", name=f"Team {number:02}")
    path = "/api/groups/list"
    assert len(client.portal.get(path).json()) == 20
    found = client.portal.get(path, params={"search_term": "team", "sort_order": "desc", "limit": "2"}).json()
    assert [group["name"] for group in found] == ["Team 24", "Team 23"]
    client.control("roles", roles=["USERMANAGEMENT"])
    assert client.portal.get(path).status_code == 403


def _own_profile(client: Any) -> str:
    return str(client.portal.get("/api/v4/currentUser/").json()["profileId"])
