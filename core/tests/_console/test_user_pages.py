"""Users, their roles and ways in, and one's own password, at the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from damlink._console.cookies import COOKIE
from damlink._secrets.passwords import hash_password, matches
from damlink._state.access import Access, Kind
from damlink._state.audit import Audit
from damlink._state.users import Role, Users

PASSWORD = "correct horse battery"
NEW = "another long password"


@pytest.fixture(scope="module")
def stored() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def users(shown: Any, stored: str) -> Iterator[Users]:
    """An administrator, and an operator with a password."""
    users = Users(shown.session.database)
    users.add("root", Role.ADMINISTRATOR, stored)
    users.add("ann", Role.OPERATOR, stored)
    yield users
    for name in ("root", "ann", "new"):
        users.remove(name)


@pytest.fixture
def sent(shown: Any, users: Users) -> Iterator[Callable[..., httpx.Response]]:
    """Send a form with a new session of a user."""
    with httpx.Client(base_url=shown.url, trust_env=False) as client:

        def send(user: str, path: str, **form: str) -> httpx.Response:
            secret = Access(shown.session.database).begin(user)
            return client.post(path, data=form, headers={"Cookie": f"{COOKIE}={secret}", "Origin": shown.url})

        yield send


def last_entry(shown: Any) -> tuple[str, str, str, Any]:
    (entry,) = Audit(shown.session.database).latest(1)
    return entry.user, entry.action, entry.subject, json.loads(entry.details)


def find_password(shown: Any, name: str) -> str | None:
    return Users(shown.session.database).find_password(name)


@pytest.mark.parametrize("password", ["", PASSWORD], ids=["without", "with"])
def test_user_when_added_has_the_role_and_is_noted(shown: Any, sent: Any, password: str) -> None:
    answer = sent("root", "/users/add", name="new", role="operator", password=password)
    assert (answer.status_code, answer.headers["location"]) == (303, "/user?name=new")
    found = shown.json("/user?name=new")["user"]
    assert (found["role"], found["has_password"]) == ("operator", bool(password))
    assert last_entry(shown) == ("root", "users add", "new", {"role": "operator"})


def test_role_when_changed_is_noted_before_and_after(shown: Any, sent: Any) -> None:
    assert sent("root", "/users/role", name="ann", role="viewer").status_code == 303
    assert shown.json("/user?name=ann")["user"]["role"] == "viewer"
    assert last_entry(shown) == ("root", "users role", "ann", {"role": ["operator", "viewer"]})


def test_user_when_removed_is_gone(shown: Any, sent: Any) -> None:
    assert sent("root", "/users/remove", name="ann").headers["location"] == "/users"
    assert "ann" not in [each["name"] for each in shown.json("/users")["users"]]
    assert last_entry(shown) == ("root", "users remove", "ann", {})


def test_access_when_revoked_has_ended(shown: Any, sent: Any) -> None:
    token = Access(shown.session.database).make_token("ann", "report", None)
    assert len(shown.json("/user?name=ann")["access"]) == 1
    sent("root", "/users/revoke", name="ann")
    assert shown.json("/user?name=ann")["access"] == []
    assert shown.console.sessions.admit_token(token) is None


def test_token_when_ended_is_the_one_alone(shown: Any, sent: Any) -> None:
    access = Access(shown.session.database)
    kept, ended = (access.make_token("ann", label, None) for label in ("kept", "ended"))
    (id_,) = [each["id"] for each in shown.json("/user?name=ann")["access"] if each["label"] == "ended"]
    sent("root", "/users/end", name="ann", id=id_)
    assert [bool(access.touch(each, Kind.TOKEN)) for each in (kept, ended)] == [True, False]
    assert last_entry(shown)[3] == {"kind": "token", "label": "ended"}
    assert sent("root", "/users/end", name="ann", id=id_).status_code == 400


def test_token_when_made_is_shown_this_once_and_lets_in(shown: Any, sent: Any) -> None:
    page = sent("root", "/users/token", name="ann", label="report", days="7").text
    (token,) = re.findall("<pre[^>]*>([^<]+)</pre>", page)
    visitor = shown.console.sessions.admit_token(token)
    assert (visitor.user, visitor.role) == ("ann", Role.OPERATOR)
    assert token not in shown.client.get("/user?name=ann").text
    assert last_entry(shown) == ("root", "users token", "ann", {"label": "report", "days": 7})


def test_link_when_made_lets_its_user_in_once(shown: Any, sent: Any) -> None:
    page = sent("root", "/users/link", name="ann").text
    (address,) = re.findall("<pre[^>]*>([^<]+)</pre>", page)
    with httpx.Client(trust_env=False, headers={"Accept": "text/html"}, follow_redirects=True) as client:
        assert "Signed in: ann (operator)" in client.get(address).text
        assert client.get(address).status_code == 401
    assert address.rpartition("=")[2] not in str(Audit(shown.session.database).latest(5))


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/users/add", {"name": "ann", "role": "viewer"}, 409),
        ("/users/add", {"name": "../x", "role": "viewer"}, 409),
        ("/users/add", {"name": "", "role": "viewer"}, 409),
        ("/users/add", {"name": "new", "role": "owner"}, 400),
        ("/users/add", {"name": "new", "role": "viewer", "password": "short"}, 409),
        ("/users/role", {"name": "nobody", "role": "viewer"}, 409),
        ("/users/role", {"name": "root", "role": "viewer"}, 400),
        ("/users/remove", {"name": "root"}, 400),
        ("/users/remove", {"name": ""}, 409),
        ("/users/revoke", {"name": "nobody"}, 409),
        ("/users/link", {"name": ""}, 409),
        ("/users/token", {"name": "", "label": "x", "days": "1"}, 409),
        ("/users/token", {"name": "ann", "label": "", "days": "1"}, 400),
        ("/users/token", {"name": "ann", "label": "x", "days": "0"}, 400),
        ("/users/token", {"name": "ann", "label": "x", "days": "-1"}, 400),
        ("/users/end", {"name": "ann", "id": "x"}, 400),
    ],
)
def test_form_when_it_does_not_fit_changes_nothing(
    shown: Any, sent: Any, path: str, form: dict[str, str], status: int
) -> None:
    before = shown.json("/users")["users"]
    assert sent("root", path, **form).status_code == status
    assert shown.json("/users")["users"] == before


# --- one's own password ----------------------------------------------------------------------------


def test_password_when_changed_ends_all_other_sessions_and_tokens(shown: Any, sent: Any) -> None:
    access = Access(shown.session.database)
    ended = [access.begin("ann"), access.make_token("ann", "report", None)]
    page = sent("ann", "/password", current=PASSWORD, new=NEW, again=NEW)
    assert (page.status_code, "is changed" in page.text) == (200, True)
    assert matches(NEW, find_password(shown, "ann"))
    assert [
        access.touch(each, kind) for each, kind in zip(ended, (Kind.SESSION, Kind.TOKEN), strict=True)
    ] == [
        None,
        None,
    ]
    assert len(shown.json("/user?name=ann")["access"]) == 1
    assert last_entry(shown) == ("ann", "password", "", {})


def test_password_when_there_is_none_is_set_without_one(shown: Any, sent: Any, users: Users) -> None:
    users.add("new", Role.VIEWER, None)
    assert sent("new", "/password", new=NEW, again=NEW).status_code == 200
    assert matches(NEW, find_password(shown, "new"))


@pytest.mark.parametrize(
    ("form", "status", "why"),
    [
        ({"current": "wrong", "new": NEW, "again": NEW}, 400, "not your present password"),
        ({"new": NEW, "again": NEW}, 400, "not your present password"),
        ({"current": PASSWORD, "new": NEW, "again": "another"}, 400, "twice the same"),
        ({"current": PASSWORD, "new": "short", "again": "short"}, 409, "a password of 5 characters"),
    ],
    ids=["wrong", "without", "not-the-same", "short"],
)
def test_password_when_the_form_does_not_fit_stays(
    shown: Any, sent: Any, form: dict[str, str], status: int, why: str
) -> None:
    before = find_password(shown, "ann")
    answer = sent("ann", "/password", **form)
    assert (answer.status_code, why in answer.text) == (status, True)
    assert find_password(shown, "ann") == before


def test_password_when_tried_out_with_a_foreign_session_is_locked(
    shown: Any, sent: Any, users: Users
) -> None:
    form = {"current": "wrong", "new": NEW, "again": NEW}
    answers = [sent("root", "/password", **form) for _ in range(6)]
    assert "too many wrong passwords" in answers[-1].text
    assert "too many wrong passwords" in sent("root", "/password", **form | {"current": PASSWORD}).text


def test_password_when_at_the_machine_there_is_none(shown: Any) -> None:
    assert shown.json("/password")["name"] == ""
    assert shown.post("/password", new=NEW, again=NEW).status_code == 400
