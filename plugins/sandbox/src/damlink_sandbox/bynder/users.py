"""Users of the asset bank, the current user, and groups. Source: Bynder's published definitions of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from damlink_sandbox.bynder.access import Access, User
from damlink_sandbox.bynder.portal import Portal, flag, number, refusal, slice_page, words
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_READ, _WRITE, _ROLE = "admin.user:read", "admin.user:write", "USERMANAGEMENT"
_REQUIRED = ("email", "password", "profileId", "firstname", "lastname")
_DETAILS = (
    "language",
    "infix",
    "phoneNumber",
    "companyName",
    "department",
    "job",
    "costCenter",
    "termsAccepted",
)

routes: Routes[Portal] = Routes()


@routes.add("GET /api/v4/users", scopes=_READ, roles=_ROLE)
def _list(portal: Portal, call: Call) -> Answer:
    everybody = flag(call.query.get("includeInActive"))
    users = [user for user in portal.access.users.values() if user.is_active or everybody]
    found, headers = slice_page(users, call.query)
    return json_answer(200, [_render_in_list(portal.access, user) for user in found], **headers)


def _render_in_list(access: Access, user: User) -> dict[str, Any]:
    return {
        "id": user.id, "username": user.username, "name": user.name, "email": user.email, "email2": "",
        "active": int(user.is_active), "isSSOOnly": user.is_sso_only, "profileId": user.profile_id,
        "employeeNumber": "", "salesrepId": "", "timeZone": "Europe/Amsterdam", "website": "", "country": "",
        "groups": _groups_of(access, user),
    }  # fmt: skip


def _groups_of(access: Access, user: User) -> list[dict[str, str]]:
    return [{"id": key, "name": access.groups[key].name} for key in user.group_ids if key in access.groups]


@routes.add("POST /api/v4/users", scopes=_WRITE, roles=_ROLE)
def _create(portal: Portal, call: Call) -> Answer:
    given = call.form()
    for name in _REQUIRED:
        if not given.get(name):
            # The text is assumed.
            raise refusal(400, f"{name} is required")
    changes = _changes(portal, given)
    changes.setdefault("username", given["email"])
    _check_unused(portal.access, changes["username"])
    made = User(id=portal.ids.new(), details=_details(given), **changes)
    portal.access.users[made.id] = made
    return json_answer(201, {"id": made.id, "username": made.username})


@routes.add("GET /api/v4/users/{id}", scopes=_READ, roles=_ROLE)
def _get(portal: Portal, call: Call) -> Answer:
    user = _find(portal, call)
    return json_answer(200, {**_render(user), "groups": _groups_of(portal.access, user)})


@routes.add("GET /api/v4/currentUser", scopes="current.user:read")
def _current(_portal: Portal, call: Call) -> Answer:
    return json_answer(200, _render(call.caller.user))


@routes.add("POST /api/v4/users/{id}", scopes=_WRITE, roles=_ROLE)
def _modify(portal: Portal, call: Call) -> Answer:
    user, given = _find(portal, call), call.form()
    changes = _changes(portal, given)
    if changes.get("username", user.username) != user.username:
        _check_unused(portal.access, changes["username"])
    for name, value in changes.items():
        setattr(user, name, value)
    user.details |= _details(given)
    return json_answer(202, {"id": user.id, "username": user.username})


@routes.add("DELETE /api/v4/users/{id}", scopes=_WRITE, roles=_ROLE)
def _delete(portal: Portal, call: Call) -> Answer:
    del portal.access.users[_find(portal, call).id]
    return Answer(204)


def _find(portal: Portal, call: Call) -> User:
    """Find a user by id or by username."""
    given, users = call.params["id"], portal.access.users
    named = (user for user in users.values() if user.username.lower() == given.lower())
    found = users.get(given.upper()) or next(named, None)
    if found is None:
        # The text is assumed.
        raise refusal(404, "User not found")
    return found


def _check_unused(access: Access, username: str) -> None:
    if any(user.username.lower() == username.lower() for user in access.users.values()):
        raise refusal(400, "Username already exists")  # assumed


def _changes(portal: Portal, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the form's fields by our names; an empty username counts as none."""
    own = {"email": "email", "firstname": "first_name", "lastname": "last_name", "username": "username"}
    changes: dict[str, Any] = {own[name]: given[name] for name in own if given.get(name)}
    if "profileId" in given:
        changes["profile_id"] = _one_of(given["profileId"], portal.access.profiles, "profileId")
    if "groupIds" in given:
        ids = words(given["groupIds"])
        changes["group_ids"] = tuple(_one_of(one, portal.access.groups, "groupIds") for one in ids)
    if "active" in given:
        changes["is_active"] = flag(given["active"])
    if "isSSOOnly" in given:
        changes["is_sso_only"] = flag(given["isSSOOnly"])
    return changes


def _one_of(given: str, known: Mapping[str, object], name: str) -> str:
    if given.upper() not in known:
        raise refusal(400, f"Invalid {name}")  # assumed
    return given.upper()


def _details(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name] for name in _DETAILS if name in given}


def _render(user: User) -> dict[str, Any]:
    """Longer than in lists, and with booleans."""
    empty = (
        "state", "city", "legalEntity", "county", "postalCode", "country", "cellphoneNumber",
        "employeeNumber", "departmentCode", "gender", "address", "terms", "phoneNumber",
        "department", "job", "infix", "costCenter", "companyName",
    )  # fmt: skip
    return {
        **dict.fromkeys(empty, ""),
        "language": "en_US",
        "timeZone": "Europe/Amsterdam",
        "lastLogin": "2026-01-05T08:30:00Z",
        **{name: value for name, value in user.details.items() if name != "termsAccepted"},
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "firstname": user.first_name,
        "lastname": user.last_name,
        "profileId": user.profile_id,
        "active": user.is_active,
        "isSSOOnly": user.is_sso_only,
        "persisted": True,
    }


@routes.add("GET /api/groups/list", roles="GROUPMANAGEMENT")
def _groups(portal: Portal, call: Call) -> Answer:
    order, term = call.query.get("sort_order", "asc"), call.query.get("search_term", "").lower()
    if order not in ("asc", "desc"):
        raise refusal(400, "Invalid sort_order")  # assumed
    found = [group for group in portal.access.groups.values() if term in group.name.lower()]
    found.sort(key=lambda group: group.name.lower(), reverse=order == "desc")
    limit, page = number(call.query.get("limit"), 20), number(call.query.get("page"), 1)
    return json_answer(200, [attrs.asdict(group) for group in found[(page - 1) * limit : page * limit]])
